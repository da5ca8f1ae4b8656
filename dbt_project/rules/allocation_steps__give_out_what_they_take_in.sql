{# Fails for each cost pool and month that gives out more or less than it costs, what it costs beyond its standard rate
   included; and for a difference to a standard rate of a pool that has none. #}
{% macro allocation_steps__give_out_what_they_take_in() -%}
select
    cost_pool_id,
    month,
    pool_cost,
    allocated,
    segment_cost,
    unused,
    unallocated,
    rate_difference
from {{ ref('allocation_steps') }}
where
    pool_cost is distinct from allocated + segment_cost + unused + unallocated + rate_difference
    or (standard_rate is null and rate_difference is distinct from 0)
{%- endmacro %}
