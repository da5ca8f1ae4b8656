-- How much of each pool each customer causes in a month: the driver's quantity, or minutes by the time equation.
-- Turning that into money belongs in allocations.
-- Two names of one activity in one equation are two terms of it.
with named_times as (
    select
        cost_pool_id,
        {{ driver_name('activity_type') }} as driver,
        applies_to,
        cast(sum(minutes_per_unit) as decimal(18, 6)) as minutes_per_unit,
        valid_from
    from {{ ref('stg_activity_times') }}
    group by cost_pool_id, {{ driver_name('activity_type') }}, applies_to, valid_from
),

times as (
    select
        cost_pool_id,
        driver,
        applies_to,
        minutes_per_unit,
        valid_from,
        coalesce(
            lead(valid_from) over (
                partition by cost_pool_id, driver, applies_to order by valid_from asc nulls last
            ),
            cast('9999-12-31' as date)
        ) as valid_before
    from named_times
),

minutes as (
    select
        pools.cost_pool_id,
        pools.month,
        drivers.customer_id,
        {{ exact_product('drivers.quantity', 'times.minutes_per_unit', 6, 6) }} as weight
    from {{ ref('int_pool_months') }} as pools
    inner join times
        on
            pools.cost_pool_id = times.cost_pool_id
            and last_day(pools.month) >= times.valid_from
            and last_day(pools.month) < times.valid_before
    inner join {{ ref('int_customer_drivers') }} as drivers
        on pools.month = drivers.month and times.driver = drivers.driver
    inner join {{ ref('int_customer_groups') }} as customers
        on
            drivers.customer_id = customers.customer_id
            and drivers.month = customers.month
            and {{ is_in_group('times.applies_to', 'customers') }}
            and {{ is_in_group('pools.applies_to', 'customers') }}
    where pools.method = 'capacity' and pools.line_code <> 'K70' and pools.problem is null
),

quantities as (
    select
        pools.cost_pool_id,
        pools.month,
        drivers.customer_id,
        cast(drivers.quantity as decimal(38, 12)) as weight
    from {{ ref('int_pool_months') }} as pools
    inner join {{ ref('int_customer_drivers') }} as drivers
        on pools.month = drivers.month and pools.driver = drivers.driver
    inner join {{ ref('int_customer_groups') }} as customers
        on
            drivers.customer_id = customers.customer_id
            and drivers.month = customers.month
            and {{ is_in_group('pools.applies_to', 'customers') }}
    where pools.method = 'proportional' and pools.line_code <> 'K70' and pools.problem is null
),

caused as (
    select
        cost_pool_id,
        month,
        customer_id,
        weight
    from minutes
    union all
    select
        cost_pool_id,
        month,
        customer_id,
        weight
    from quantities
)

select
    cost_pool_id,
    month,
    customer_id,
    cast(round(sum(weight), 6) as decimal(18, 6)) as weight
from caused
group by cost_pool_id, month, customer_id
having round(sum(weight), 6) <> 0
