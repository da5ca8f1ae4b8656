{# Fails for each cost pool and month whose customers do not get together what the step gives out. #}
{% macro allocations__sum_to_allocation_steps() -%}
with given as (
    select
        cost_pool_id,
        month,
        sum(amount) as amount,
        sum(weight) as weight,
        count(*) as row_count
    from {{ ref('allocations') }}
    group by cost_pool_id, month
)

select
    coalesce(given.cost_pool_id, steps.cost_pool_id) as cost_pool_id,
    coalesce(given.month, steps.month) as month,
    given.amount as given_to_customers,
    steps.allocated,
    given.row_count,
    steps.receiver_count,
    given.weight,
    steps.driver_total
from given
full join {{ ref('allocation_steps') }} as steps
    on given.cost_pool_id = steps.cost_pool_id and given.month = steps.month
where
    coalesce(given.amount, 0) is distinct from coalesce(steps.allocated, 0)
    -- Pools of K70 and pools with a problem have receivers, but give them nothing.
    or (
        coalesce(steps.allocated, 0) is distinct from 0
        and (given.row_count is distinct from steps.receiver_count or given.weight is distinct from steps.driver_total)
    )
{%- endmacro %}
