-- What each customer's part of each pool would have been at the rate of the month that the month is compared with, for
-- the same usage: what it is more or less comes of the rate, which is the company's doing. The usage's own part, and
-- what lines, windows and owners have of it, belong in the models that read this.
with last_months as (
    select max(month) as last_month
    from {{ ref('time_windows') }}
),

backs as (
    {%- for back in months_back().values() | unique %}
    select {{ back }} as months_back
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

times as (
    {{ time_equations() }}
),

used as (
    select
        cost_pool_id,
        month,
        sum(weight) as driver_total
    from {{ ref('int_pool_receivers') }}
    where weight > 0
    group by cost_pool_id, month
),

-- What a month costs per unit is rate_cost / rate_base; capacity that is used beyond itself costs no less per minute.
pools as (
    select
        pools.cost_pool_id,
        pools.month,
        pools.line_code,
        pools.method,
        pools.applies_to,
        case when pools.method = 'proportional' then pools.driver end as driver,
        -- A rate of six decimals is money per 100 units.
        case
            when pools.standard_rate is null then pools.pool_cost
            else cast(pools.standard_rate * 100 as decimal(18, 4))
        end as rate_cost,
        cast(
            case
                when pools.standard_rate is not null then 100
                when pools.method = 'capacity' then pools.practical_capacity_minutes
                else coalesce(used.driver_total, 0)
            end as decimal(18, 6)
        ) as rate_base
    from {{ ref('int_pool_months') }} as pools
    -- A company may do without a line.
    inner join {{ ref('ladder_terms') }} as terms
        on pools.line_code = terms.line_code and terms.column_name = 'db3'
    left join used
        on pools.cost_pool_id = used.cost_pool_id and pools.month = used.month
    where pools.problem is null and pools.line_code <> 'K70'
),

-- The same rule in both months, and a rate in the earlier one. Who is measured in another way is another pool.
alike as (
    select
        now.cost_pool_id,
        now.month,
        backs.months_back,
        earlier.month as compared_month,
        now.line_code,
        now.method,
        now.applies_to,
        earlier.rate_cost,
        earlier.rate_base
    from pools as now
    cross join backs
    inner join pools as earlier
        on
            now.cost_pool_id = earlier.cost_pool_id
            and {{ add_months('earlier.month', 'backs.months_back') }} = now.month
            and now.line_code = earlier.line_code
            and now.method = earlier.method
            and now.applies_to = earlier.applies_to
            and coalesce(now.driver, '') = coalesce(earlier.driver, '')
    where earlier.rate_base > 0
),

terms_of_months as (
    select
        pools.cost_pool_id,
        pools.month,
        times.driver,
        times.applies_to,
        times.minutes_per_unit
    from pools
    inner join times
        on
            pools.cost_pool_id = times.cost_pool_id
            and {{ last_day_of('pools.month') }} >= times.valid_from
            and {{ last_day_of('pools.month') }} < times.valid_before
    where pools.method = 'capacity'
),

-- What a unit takes may have been measured again: a term of one month that is none of the other.
remeasured as (
    select distinct
        cost_pool_id,
        month,
        months_back,
        compared_month,
        pool_applies_to
    from (
        select
            alike.cost_pool_id,
            alike.month,
            alike.months_back,
            alike.compared_month,
            alike.applies_to as pool_applies_to,
            count(*) as month_count
        from alike
        inner join terms_of_months as terms
            on alike.cost_pool_id = terms.cost_pool_id and terms.month in (alike.month, alike.compared_month)
        group by
            alike.cost_pool_id,
            alike.month,
            alike.months_back,
            alike.compared_month,
            alike.applies_to,
            terms.driver,
            terms.applies_to,
            terms.minutes_per_unit
    ) as each_term
    where month_count = 1
),

-- The month's quantities at the minutes of then.
minutes_of_then as (
    select
        pools.cost_pool_id,
        pools.month,
        pools.months_back,
        drivers.customer_id,
        cast(
            round(sum({{ exact_product('drivers.quantity', 'terms.minutes_per_unit', 6, 6) }}), 6) as decimal(18, 6)
        ) as weight
    from remeasured as pools
    inner join terms_of_months as terms
        on pools.cost_pool_id = terms.cost_pool_id and pools.compared_month = terms.month
    inner join {{ ref('int_customer_drivers') }} as drivers
        on pools.month = drivers.month and terms.driver = drivers.driver
    inner join {{ ref('int_customer_groups') }} as customers
        on
            drivers.customer_id = customers.customer_id
            and {{ is_in_group('terms.applies_to', 'customers', 'drivers.month') }}
            and {{ is_in_group('pools.pool_applies_to', 'customers', 'drivers.month') }}
    group by pools.cost_pool_id, pools.month, pools.months_back, drivers.customer_id
),

shares as (
    select
        receivers.cost_pool_id,
        receivers.month,
        receivers.customer_id,
        pools.line_code,
        receivers.weight,
        receivers.amount
    from {{ ref('int_pool_receivers') }} as receivers
    inner join pools
        on receivers.cost_pool_id = pools.cost_pool_id and receivers.month = pools.month
    where receivers.weight > 0
),

-- Each share in the month that it is of, and in those that are compared with that month; beside them the minutes of
-- then. A month that is compared with none, because the accounts begin later, has no change.
met as (
    select
        shares.cost_pool_id,
        shares.month,
        backs.months_back,
        shares.customer_id,
        shares.line_code,
        shares.weight,
        shares.amount,
        0 as compared_weight,
        0 as compared_amount,
        0 as weight_of_then
    from shares
    cross join backs
    cross join {{ ref('int_account_period') }} as period
    where {{ add_months('shares.month', '-backs.months_back') }} >= period.first_month
    union all
    select
        shares.cost_pool_id,
        {{ add_months('shares.month', 'backs.months_back') }} as month,
        backs.months_back,
        shares.customer_id,
        shares.line_code,
        0 as weight,
        0 as amount,
        shares.weight as compared_weight,
        shares.amount as compared_amount,
        0 as weight_of_then
    from shares
    cross join backs
    cross join last_months
    where {{ add_months('shares.month', 'backs.months_back') }} <= last_months.last_month
    union all
    select
        minutes.cost_pool_id,
        minutes.month,
        minutes.months_back,
        minutes.customer_id,
        pools.line_code,
        0 as weight,
        0 as amount,
        0 as compared_weight,
        0 as compared_amount,
        minutes.weight as weight_of_then
    from minutes_of_then as minutes
    inner join pools
        on minutes.cost_pool_id = pools.cost_pool_id and minutes.month = pools.month
    where minutes.weight > 0
),

both_months as (
    select
        cost_pool_id,
        month,
        months_back,
        customer_id,
        line_code,
        cast(sum(weight) as decimal(18, 6)) as weight,
        cast(sum(amount) as decimal(18, 4)) as amount,
        cast(sum(compared_weight) as decimal(18, 6)) as compared_weight,
        cast(sum(compared_amount) as decimal(18, 4)) as compared_amount,
        cast(sum(weight_of_then) as decimal(18, 6)) as weight_of_then
    from met
    group by cost_pool_id, month, months_back, customer_id, line_code
),

measured as (
    select
        both_months.cost_pool_id,
        both_months.month,
        both_months.months_back,
        both_months.customer_id,
        both_months.line_code,
        case when remeasured.cost_pool_id is null then both_months.weight else both_months.weight_of_then end as weight,
        both_months.compared_weight,
        both_months.amount,
        both_months.compared_amount,
        alike.cost_pool_id is not null as has_rate,
        alike.rate_cost,
        alike.rate_base
    from both_months
    left join alike
        on
            both_months.cost_pool_id = alike.cost_pool_id
            and both_months.month = alike.month
            and both_months.months_back = alike.months_back
            and both_months.line_code = alike.line_code
    left join remeasured
        on
            both_months.cost_pool_id = remeasured.cost_pool_id
            and both_months.month = remeasured.month
            and both_months.months_back = remeasured.months_back
),

rated as (
    select
        *,
        case
            -- A pool that is new, has ended or is given out by another rule: all of its change is the company's doing.
            when not has_rate then compared_amount
            -- The same usage costs the same, to the last øre that was given out.
            when weight = compared_weight then compared_amount
            else {{ money_scaled_by('rate_cost', 'weight', 'rate_base') }}
        end as amount_at_compared_rate
    from measured
)

select
    cost_pool_id,
    month,
    cast(months_back as bigint) as months_back,
    customer_id,
    line_code,
    weight,
    compared_weight,
    amount,
    compared_amount,
    amount_at_compared_rate,
    cast(amount - amount_at_compared_rate as decimal(18, 4)) as rate_change
from rated
