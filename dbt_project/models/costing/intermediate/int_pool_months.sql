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

costs as (
    select
        cost_pool_id,
        month,
        cast(sum(amount) as decimal(18, 4)) as pool_cost
    from {{ ref('int_ledger_entries_valued') }}
    where role_kind = 'pool'
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
left join first_times
    on costs.cost_pool_id = first_times.cost_pool_id and {{ last_day_of('costs.month') }} >= first_times.valid_from
