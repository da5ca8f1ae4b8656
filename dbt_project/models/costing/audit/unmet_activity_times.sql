-- Activity times that never meet an activity of a customer they apply to: most likely misspelt. Their minutes are in no
-- customer's account.
with times as (
    select distinct
        cost_pool_id,
        activity_type,
        applies_to
    from {{ ref('stg_activity_times') }}
),

met as (
    select distinct
        times.cost_pool_id,
        times.activity_type,
        times.applies_to
    from times
    inner join {{ ref('int_customer_drivers') }} as drivers
        on {{ driver_name('times.activity_type') }} = drivers.driver
    inner join {{ ref('int_customer_groups') }} as customers
        on
            drivers.customer_id = customers.customer_id
            and {{ is_in_group('times.applies_to', 'customers', 'drivers.month') }}
)

select
    times.cost_pool_id,
    times.activity_type,
    times.applies_to
from times
left join met
    on
        times.cost_pool_id = met.cost_pool_id
        and times.activity_type = met.activity_type
        and times.applies_to = met.applies_to
where met.cost_pool_id is null
