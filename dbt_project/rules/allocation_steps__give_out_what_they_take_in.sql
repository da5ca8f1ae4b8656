{# Fails for each cost pool and month that gives out more or less than it costs. #}
{% macro allocation_steps__give_out_what_they_take_in() -%}
select
    cost_pool_id,
    month,
    pool_cost,
    allocated,
    segment_cost,
    unused,
    unallocated
from {{ ref('allocation_steps') }}
where pool_cost is distinct from allocated + segment_cost + unused + unallocated
{%- endmacro %}
