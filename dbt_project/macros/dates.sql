{# Date arithmetic that gives DATE on every engine. Fiscal calendars belong in the model months. #}

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
