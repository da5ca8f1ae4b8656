-- What became of every cost pool in every month: given to customers, unused, not given out, and by which key. Who got
-- how much is in allocations.
with receivers as (
    select
        cost_pool_id,
        month,
        cast(sum(case when weight > 0 then weight else 0 end) as decimal(18, 6)) as driver_total,
        cast(sum(case when weight > 0 then 1 else 0 end) as bigint) as receiver_count,
        cast(sum(case when weight < 0 then 1 else 0 end) as bigint) as negative_receivers,
        max(given_units) as given_units
    from {{ ref('int_pool_receivers') }}
    group by cost_pool_id, month
),

company as (
    select cast(minor_unit * 10000 as bigint) as minor_unit_size
    from {{ ref('stg_company') }}
),

joined as (
    select
        pools.cost_pool_id,
        pools.month,
        pools.pool_name,
        pools.line_code,
        pools.method,
        pools.driver,
        pools.applies_to,
        pools.practical_capacity_minutes,
        pools.problem,
        pools.standard_rate,
        pools.pool_cost,
        company.minor_unit_size,
        coalesce(receivers.driver_total, 0) as driver_total,
        coalesce(receivers.receiver_count, 0) as receiver_count,
        coalesce(receivers.negative_receivers, 0) as negative_receivers,
        coalesce(receivers.given_units, 0) as given_units
    from {{ ref('int_pool_months') }} as pools
    cross join company
    left join receivers
        on pools.cost_pool_id = receivers.cost_pool_id and pools.month = receivers.month
),

split as (
    select
        cost_pool_id,
        month,
        pool_name,
        line_code,
        method,
        driver,
        applies_to,
        practical_capacity_minutes,
        problem,
        standard_rate,
        pool_cost,
        driver_total,
        receiver_count,
        negative_receivers,
        cast(
            cast(
                case when method = 'capacity' then practical_capacity_minutes else driver_total end as decimal(24, 6)
            ) * 1000000 as decimal(24, 0)
        ) as rate_base,
        given_units,
        cast(given_units * minor_unit_size * cast(0.0001 as decimal(5, 4)) as decimal(18, 4)) as allocated,
        -- What the pool may cost: what the capacity is worth at the standard rate, or what is used of the driver.
        case
            when standard_rate is null or problem is not null or line_code = 'K70' then pool_cost
            when method = 'capacity'
                then cast(
                    {{ at_standard_rate('standard_rate', 'practical_capacity_minutes', 'minor_unit_size') }}
                    * minor_unit_size * cast(0.0001 as decimal(5, 4)) as decimal(18, 4)
                )
            when receiver_count = 0 then pool_cost
            else cast(given_units * minor_unit_size * cast(0.0001 as decimal(5, 4)) as decimal(18, 4))
        end as standard_cost
    from joined
)

select
    cost_pool_id,
    month,
    pool_name,
    line_code,
    method,
    driver,
    applies_to,
    pool_cost,
    given_units,
    allocated,
    case when line_code = 'K70' and problem is null then pool_cost else cast(0 as decimal(18, 4)) end as segment_cost,
    cast(
        case
            when method = 'capacity' and line_code <> 'K70' and problem is null then standard_cost - allocated
            else 0
        end
        as decimal(18, 4)
    ) as unused,
    cast(
        case
            when problem is not null then pool_cost
            when method = 'proportional' and line_code <> 'K70' then standard_cost - allocated
            else 0
        end as decimal(18, 4)
    ) as unallocated,
    cast(pool_cost - standard_cost as decimal(18, 4)) as rate_difference,
    standard_rate,
    receiver_count,
    negative_receivers,
    driver_total,
    practical_capacity_minutes,
    -- Drivers have six decimals, and a hair of one may come to a rate too long for its column: then there is none.
    case
        when {{ money_units('abs(pool_cost)') }} < rate_base * 10000000000
            then
                cast(
                    {{ div_half_up(money_units('pool_cost') ~ ' * 100000000', 'rate_base') }}
                    * cast(0.000001 as decimal(7, 6)) as decimal(18, 6)
                )
    end as rate,
    coalesce(
        method = 'capacity' and line_code <> 'K70' and driver_total > practical_capacity_minutes, false
    ) as is_over_used,
    case
        when problem is not null then problem
        when line_code = 'K70' then null
        when receiver_count = 0 and pool_cost <> 0 then 'no_receiver'
        when method = 'capacity' and driver_total > practical_capacity_minutes then 'over_used'
        when negative_receivers > 0 then 'negative_receivers'
    end as finding
from split
