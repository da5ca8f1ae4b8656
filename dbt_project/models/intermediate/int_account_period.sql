-- The first and the last month of the accounts: the months that have a sales line, a customer cost, an activity or a
-- ledger entry inside the account. What runs on without records (bonus, credit time) ends with the last posted month:
-- activities may be planned ahead.
with used_months as (
    select
        month,
        true as is_posted
    from {{ ref('int_product_months') }}
    union distinct
    select
        month,
        true as is_posted
    from {{ ref('int_customer_costs_valued') }}
    union distinct
    select
        month,
        true as is_posted
    from {{ ref('int_ledger_entries_valued') }}
    where role_kind in ('line', 'pool', 'unmapped')
    union distinct
    select
        month,
        false as is_posted
    from {{ ref('int_activities_resolved') }}
)

select
    min(month) as first_month,
    max(month) as last_month,
    max(case when is_posted then month end) as last_posted_month
from used_months
