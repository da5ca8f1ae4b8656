{# Every day from the first month to the end of the last month of a one-row relation, as column day. #}
{% macro day_series(relation, first_month, last_month) -%}
    {{ adapter.dispatch('day_series', 'kunderegnskab')(relation, first_month, last_month) }}
{%- endmacro %}

{% macro default__day_series(relation, first_month, last_month) -%}
    select cast(series.day_start as date) as day
    from (
        select unnest(generate_series({{ first_month }}, last_day({{ last_month }}), interval 1 day)) as day_start
        from {{ relation }}
    ) as series
{%- endmacro %}

{% macro spark__day_series(relation, first_month, last_month) -%}
    select explode(sequence({{ first_month }}, last_day({{ last_month }}), interval 1 day)) as day
    from {{ relation }}
{%- endmacro %}
