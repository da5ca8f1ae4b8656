-- The first and the last month of the accounts: the months that have a sales line, a customer cost, an activity or a
-- ledger entry inside the account. What runs on without records (bonus, credit time) is cut at these months.
with used_months as (
    select month from {{ ref('int_product_months') }}
    union distinct
    select month from {{ ref('int_customer_costs_valued') }}
    union distinct
    select month from {{ ref('int_activities_resolved') }}
    union distinct
    select month from {{ ref('int_ledger_entries_valued') }}
    where role_kind in ('line', 'pool', 'unmapped')
)

select
    min(month) as first_month,
    max(month) as last_month
from used_months
