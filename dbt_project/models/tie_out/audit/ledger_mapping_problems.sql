-- Ledger costs that the accounts cannot place: each account without a usable role, each pool without a usable rule.
select
    'account' as kind,
    account_no,
    cast(null as string) as cost_pool_id,
    cast(null as date) as month,
    case when max(account_role) is null then 'not_in_chart' else 'unknown_role' end as problem,
    max(account_role) as account_role,
    cast(sum(amount) as decimal(18, 4)) as amount
from {{ ref('int_ledger_entries_valued') }}
where role_kind = 'unmapped'
group by account_no
union all
select
    'pool' as kind,
    cast(null as string) as account_no,
    cost_pool_id,
    month,
    problem,
    'pool:' || cost_pool_id as account_role,
    pool_cost as amount
from {{ ref('int_pool_months') }}
where problem is not null
union all
-- A time of a pool that is not defined or has no capacity, or of customers that nobody can name, would silently count
-- for nothing. A pool has a row per version, hence distinct.
select distinct
    'activity_time' as kind,
    cast(null as string) as account_no,
    times.cost_pool_id,
    cast(null as date) as month,
    case
        when capacity_pools.cost_pool_id is not null then 'unknown_customers'
        when pools.cost_pool_id is null then 'not_defined'
        else 'not_by_capacity'
    end as problem,
    times.applies_to as account_role,
    cast(0 as decimal(18, 4)) as amount
from {{ ref('stg_activity_times') }} as times
left join {{ ref('stg_cost_pools') }} as pools
    on times.cost_pool_id = pools.cost_pool_id
left join {{ ref('stg_cost_pools') }} as capacity_pools
    on times.cost_pool_id = capacity_pools.cost_pool_id and capacity_pools.method = 'capacity'
where capacity_pools.cost_pool_id is null or not {{ is_group_rule('times.applies_to') }}
