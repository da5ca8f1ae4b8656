-- What each customer causes of each pool in a month, the driver's quantity or minutes by the time equation, and what it
-- gets of the pool's cost for it.
with company as (
    select cast(minor_unit * 10000 as bigint) as minor_unit_size
    from {{ ref('stg_company') }}
),

times as (
    {{ time_equations() }}
),

minutes as (
    select
        pools.cost_pool_id,
        pools.month,
        drivers.customer_id,
        drivers.driver,
        {{ exact_product('drivers.quantity', 'times.minutes_per_unit', 6, 6) }} as weight
    from {{ ref('int_pool_months') }} as pools
    inner join times
        on
            pools.cost_pool_id = times.cost_pool_id
            and {{ last_day_of('pools.month') }} >= times.valid_from
            and {{ last_day_of('pools.month') }} < times.valid_before
    inner join {{ ref('int_customer_drivers') }} as drivers
        on pools.month = drivers.month and times.driver = drivers.driver
    inner join {{ ref('int_customer_groups') }} as customers
        on
            drivers.customer_id = customers.customer_id
            and {{ is_in_group('times.applies_to', 'customers', 'drivers.month') }}
            and {{ is_in_group('pools.applies_to', 'customers', 'drivers.month') }}
    where pools.method = 'capacity' and pools.line_code <> 'K70' and pools.problem is null
),

quantities as (
    select
        pools.cost_pool_id,
        pools.month,
        drivers.customer_id,
        drivers.driver,
        cast(drivers.quantity as decimal(38, 12)) as weight
    from {{ ref('int_pool_months') }} as pools
    inner join {{ ref('int_customer_drivers') }} as drivers
        on pools.month = drivers.month and pools.driver = drivers.driver
    inner join {{ ref('int_customer_groups') }} as customers
        on
            drivers.customer_id = customers.customer_id
            and {{ is_in_group('pools.applies_to', 'customers', 'drivers.month') }}
    where pools.method = 'proportional' and pools.line_code <> 'K70' and pools.problem is null
),

caused as (
    select
        cost_pool_id,
        month,
        customer_id,
        driver,
        weight
    from minutes
    union all
    select
        cost_pool_id,
        month,
        customer_id,
        driver,
        weight
    from quantities
),

receivers as (
    select
        cost_pool_id,
        month,
        customer_id,
        cast(round(sum(weight), 6) as decimal(18, 6)) as weight,
        cast(round(sum(case when driver = 'visits' then weight else 0 end), 6) as decimal(18, 6)) as visit_weight
    from caused
    group by cost_pool_id, month, customer_id
    having round(sum(weight), 6) <> 0
),

totals as (
    select
        cost_pool_id,
        month,
        cast(sum(case when weight > 0 then weight else 0 end) as decimal(18, 6)) as driver_total
    from receivers
    group by cost_pool_id, month
),

-- Only whole minor units (øre) are given out. A capacity pool gives out cost x used minutes / capacity; at a standard
-- rate, any pool gives out usage x rate.
sized as (
    select
        pools.cost_pool_id,
        pools.month,
        pools.line_code,
        cast(
            case
                when totals.driver_total = 0 then 0
                when pools.standard_rate is not null
                    then {{ at_standard_rate('pools.standard_rate', 'totals.driver_total', 'company.minor_unit_size') }}
                when pools.method = 'capacity'
                    then {{ div_half_up(
                        money_units('pools.pool_cost') ~ ' * ' ~ quantity_units('totals.driver_total'),
                        'cast(' ~ quantity_units('pools.practical_capacity_minutes') ~ ' * company.minor_unit_size as decimal(38, 0))'
                    ) }}
                else
                    case when pools.pool_cost < 0 then -1 else 1 end
                    * {{ int_div('abs(' ~ money_units('pools.pool_cost') ~ ')', 'company.minor_unit_size') }}
            end as bigint
        ) as given_units
    from totals
    inner join {{ ref('int_pool_months') }} as pools
        on totals.cost_pool_id = pools.cost_pool_id and totals.month = pools.month
    cross join company
),

-- Who took more back than it got takes no part.
shares as (
    select
        receivers.cost_pool_id,
        receivers.month,
        receivers.customer_id,
        receivers.weight,
        sized.given_units
    from receivers
    inner join sized
        on receivers.cost_pool_id = sized.cost_pool_id and receivers.month = sized.month
    where receivers.weight > 0
),

given as (
    {{ give_out('shares', ['cost_pool_id', 'month'], 'customer_id', 'given_units', 'weight') }}
)

select
    receivers.cost_pool_id,
    receivers.month,
    receivers.customer_id,
    sized.line_code,
    receivers.weight,
    -- What of it are visits.
    receivers.visit_weight,
    cast(
        coalesce(given.given_units, 0) * company.minor_unit_size * cast(0.0001 as decimal(5, 4)) as decimal(18, 4)
    ) as amount,
    -- Of the pool as a whole, the same in each of its rows.
    sized.given_units
from receivers
cross join company
inner join sized
    on receivers.cost_pool_id = sized.cost_pool_id and receivers.month = sized.month
left join given
    on
        receivers.cost_pool_id = given.cost_pool_id
        and receivers.month = given.month
        and receivers.customer_id = given.customer_id
