-- Fails for each ledger account without a usable role and each cost pool without a usable rule.
select
    kind,
    account_no,
    cost_pool_id,
    month,
    problem,
    account_role,
    amount
from {{ ref('ledger_mapping_problems') }}
