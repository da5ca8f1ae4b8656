{# Fails for each month that does not follow the month before it in the calendar. #}
{% macro months__are_contiguous() -%}
with neighbours as (
    select
        month,
        lag(month) over (order by month asc nulls last) as previous_month
    from {{ ref('months') }}
)

select
    month,
    previous_month
from neighbours
where previous_month is not null and month is distinct from {{ add_months('previous_month', 1) }}
{%- endmacro %}
