{# The step between days and months. A company with a fiscal calendar has periods of its own in place of months: each
   goes by the first day of the month that it stands for, so that whatever counts in months need not know of them.

   The calendar is one row; max() says so to the engine, which would else guard a subquery against more rows, and take
   what it gives for volatile. #}

{# The month that a day belongs to: of the fiscal calendar, where there is one. #}
{% macro period_of(day) -%}
    coalesce(
        {{ list_element(
            '(select max(months) from ' ~ ref('stg_fiscal_months') ~ ')',
            days_between('(select max(listed_from) from ' ~ ref('stg_fiscal_months') ~ ')', day) ~ ' + 1'
        ) }},
        {{ month_floor(day) }}
    )
{%- endmacro %}

{# The first month in which an agreement holds from a day, whole: the later of the day's period and its calendar month, so
   that it begins with the same period whether it is written by the calendar or by the company's weeks. #}
{% macro first_month_held(valid_from) -%}
    greatest({{ period_of(valid_from) }}, {{ month_floor(valid_from) }})
{%- endmacro %}

{# The last such month, of two days: the earlier of the last day's period and its calendar month, and no earlier than the
   first. #}
{% macro last_month_held(valid_from, valid_to) -%}
    greatest(
        least({{ period_of(valid_to) }}, {{ month_floor(valid_to) }}),
        case when {{ valid_to }} >= {{ valid_from }} then {{ first_month_held(valid_from) }} else cast('0001-01-01' as date) end
    )
{%- endmacro %}

{# The first day of a month. #}
{% macro first_day_of(month) -%}
    coalesce({{ of_month('first_days', month) }}, {{ month }})
{%- endmacro %}

{# The last day of a month. #}
{% macro last_day_of(month) -%}
    coalesce({{ of_month('last_days', month) }}, last_day({{ month }}))
{%- endmacro %}

{# The fiscal year of a month as the fiscal calendar names it; NULL for months outside of it. #}
{% macro named_fiscal_year(month) -%}
    {{ of_month('fiscal_years', month) }}
{%- endmacro %}

{# What one of the calendar's lists says of a month. #}
{% macro of_month(list, month) -%}
    {{ list_element(
        '(select max(' ~ list ~ ') from ' ~ ref('stg_fiscal_months') ~ ')',
        months_between('(select max(listed_from_month) from ' ~ ref('stg_fiscal_months') ~ ')', month)
    ) }}
{%- endmacro %}

{# The element at a place, from 1; NULL before the first, after the last, and of no list. #}
{% macro list_element(list, place) -%}
    {{ adapter.dispatch('list_element', 'kunderegnskab')(list, place) }}
{%- endmacro %}

{% macro default__list_element(list, place) -%}
    list_extract({{ list }}, greatest({{ place }}, 0))
{%- endmacro %}

{% macro spark__list_element(list, place) -%}
    get({{ list }}, cast({{ place }} as int) - 1)
{%- endmacro %}

{# A group's values in the order of something else. #}
{% macro ordered_list(value, by) -%}
    {{ adapter.dispatch('ordered_list', 'kunderegnskab')(value, by) }}
{%- endmacro %}

{% macro default__ordered_list(value, by) -%}
    list({{ value }} order by {{ by }} asc nulls last)
{%- endmacro %}

{% macro spark__ordered_list(value, by) -%}
    transform(array_sort(collect_list(struct({{ by }} as place, {{ value }} as item))), listed -> listed.item)
{%- endmacro %}
