{# Date arithmetic that gives DATE on every engine. The fiscal calendar is the model months. #}

{# First day of the date's month. #}
{% macro month_floor(date) -%}
    cast(date_trunc('month', {{ date }}) as date)
{%- endmacro %}

{# The date n months later; no interval arithmetic, whose result type differs between engines. #}
{% macro add_months(date, n) -%}
    {{ adapter.dispatch('add_months', 'kunderegnskab')(date, n) }}
{%- endmacro %}

{% macro default__add_months(date, n) -%}
    cast({{ date }} + to_months(cast({{ n }} as int)) as date)
{%- endmacro %}

{% macro spark__add_months(date, n) -%}
    add_months({{ date }}, {{ n }})
{%- endmacro %}

{# Every month from first_month to last_month of a one-row relation, as column month; no row when they are NULL. #}
{% macro month_series(relation, first_month, last_month) -%}
    {{ adapter.dispatch('month_series', 'kunderegnskab')(relation, first_month, last_month) }}
{%- endmacro %}

{% macro default__month_series(relation, first_month, last_month) -%}
    select cast(series.month_start as date) as month
    from (
        select unnest(generate_series({{ first_month }}, {{ last_month }}, interval 1 month)) as month_start
        from {{ relation }}
    ) as series
{%- endmacro %}

{% macro spark__month_series(relation, first_month, last_month) -%}
    select explode(sequence({{ first_month }}, {{ last_month }}, interval 1 month)) as month
    from {{ relation }}
{%- endmacro %}

{# How many months before its own the months of a window are that it is compared with: a year, or what came just before.
   Fiscal periods are compared as months are. #}
{% macro months_back() -%}
    {{ return({'month': 12, 'quarter': 3, 'ytd': 12, 'r12': 12}) }}
{%- endmacro %}

{# First month of the fiscal year that a month belongs to; fiscal_year_start is its month of the year, 1 to 12. #}
{% macro fiscal_year_floor(month, fiscal_year_start) -%}
    {{ add_months(
        month,
        '-((cast(extract(month from ' ~ month ~ ') as int) - cast(' ~ fiscal_year_start ~ ' as int) + 12) % 12)'
    ) }}
{%- endmacro %}

{# Months from first to last, both counted; both are first days of a month. #}
{% macro months_between(first, last) -%}
    (
        (extract(year from {{ last }}) - extract(year from {{ first }})) * 12
        + extract(month from {{ last }}) - extract(month from {{ first }}) + 1
    )
{%- endmacro %}

{# Days from one date to a later one. #}
{% macro days_between(first, last) -%}
    {{ adapter.dispatch('days_between', 'kunderegnskab')(first, last) }}
{%- endmacro %}

{% macro default__days_between(first, last) -%}
    date_diff('day', {{ first }}, {{ last }})
{%- endmacro %}

{% macro spark__days_between(first, last) -%}
    datediff({{ last }}, {{ first }})
{%- endmacro %}
