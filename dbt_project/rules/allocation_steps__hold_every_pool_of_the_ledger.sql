{# Fails for each cost pool and month whose cost is not what the ledger has on the pool's accounts. #}
{% macro allocation_steps__hold_every_pool_of_the_ledger() -%}
with ledger as (
    select
        substr(accounts.account_role, 6) as cost_pool_id,
        entries.month,
        sum(entries.amount) as pool_cost
    from {{ ref('int_ledger_entries_valued') }} as entries
    inner join {{ ref('stg_ledger_accounts') }} as accounts
        on entries.account_no = accounts.account_no
    where accounts.account_role like 'pool:%'
    group by substr(accounts.account_role, 6), entries.month
)

select
    coalesce(ledger.cost_pool_id, steps.cost_pool_id) as cost_pool_id,
    coalesce(ledger.month, steps.month) as month,
    ledger.pool_cost as ledger_cost,
    steps.pool_cost
from ledger
full join {{ ref('allocation_steps') }} as steps
    on ledger.cost_pool_id = steps.cost_pool_id and ledger.month = steps.month
where coalesce(ledger.pool_cost, 0) is distinct from coalesce(steps.pool_cost, 0)
{%- endmacro %}
