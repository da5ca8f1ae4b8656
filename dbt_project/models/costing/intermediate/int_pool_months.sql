-- What each cost pool costs in each month, and the version of its rule in force on the month's last day. Who gets
-- how much belongs in int_pool_receivers and allocations.
with versions as (
    select
        cost_pool_id,
        pool_name,
        ladder_line as line_code,
        method,
        {{ driver_name('driver') }} as driver,
        applies_to,
        practical_capacity_minutes,
        valid_from,
        coalesce(
            lead(valid_from) over (partition by cost_pool_id order by valid_from asc nulls last),
            cast('9999-12-31' as date)
        ) as valid_before
    from {{ ref('stg_cost_pools') }}
),

-- A pool at actual rates has no standard rate.
standards as (
    select
        rates.cost_pool_id,
        months.month,
        rates.standard_rate
    from {{ ref('stg_standard_rates') }} as rates
    inner join {{ ref('months') }} as months
        on rates.fiscal_year = months.fiscal_year
    inner join {{ ref('stg_company') }} as company
        on company.rates = 'standard'
    cross join {{ ref('int_account_period') }} as period
    where months.month <= period.last_posted_month
),

-- At a standard rate, what customers use is charged whether or not the month's cost is booked.
costs as (
    select
        cost_pool_id,
        month,
        cast(sum(amount) as decimal(18, 4)) as pool_cost,
        max(is_booked) as is_booked
    from (
        select
            cost_pool_id,
            month,
            amount,
            1 as is_booked
        from {{ ref('int_ledger_entries_valued') }}
        where role_kind = 'pool'
        union all
        select
            cost_pool_id,
            month,
            0 as amount,
            0 as is_booked
        from standards
    ) as booked_or_charged
    group by cost_pool_id, month
),

first_times as (
    select
        cost_pool_id,
        min(valid_from) as valid_from
    from {{ ref('stg_activity_times') }}
    group by cost_pool_id
)

select
    costs.cost_pool_id,
    costs.month,
    versions.pool_name,
    versions.line_code,
    versions.method,
    versions.driver,
    versions.applies_to,
    versions.practical_capacity_minutes,
    case when versions.line_code <> 'K70' then standards.standard_rate end as standard_rate,
    costs.pool_cost,
    case
        when versions.cost_pool_id is null then 'not_defined'
        when versions.line_code = 'K70' then null
        when not {{ is_group_rule('versions.applies_to') }} then 'unknown_customers'
        when versions.method = 'proportional' and coalesce(trim(versions.driver), '') = '' then 'no_driver'
        when versions.method = 'capacity' and coalesce(versions.practical_capacity_minutes, 0) <= 0 then 'no_capacity'
        when versions.method = 'capacity' and first_times.cost_pool_id is null then 'no_activity_times'
    end as problem
from costs
left join versions
    on
        costs.cost_pool_id = versions.cost_pool_id
        and {{ last_day_of('costs.month') }} >= versions.valid_from
        and {{ last_day_of('costs.month') }} < versions.valid_before
left join standards
    on costs.cost_pool_id = standards.cost_pool_id and costs.month = standards.month
left join first_times
    on costs.cost_pool_id = first_times.cost_pool_id and {{ last_day_of('costs.month') }} >= first_times.valid_from
-- Nothing is charged for a pool before it is defined.
where costs.is_booked = 1 or (versions.cost_pool_id is not null and versions.line_code <> 'K70')
