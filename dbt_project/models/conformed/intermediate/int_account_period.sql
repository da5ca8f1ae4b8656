-- The first and the last month of the accounts: the months that have a sales line, a customer cost, an activity or a
-- ledger entry inside the account. What runs on without records ends earlier: credit time with the last posted month,
-- because activities are planned and depreciation is booked ahead, bonus with the last month of sales.
with used_months as (
    select
        month,
        true as is_posted,
        true as is_sold
    from {{ ref('int_leaf_months') }}
    union distinct
    select
        month,
        true as is_posted,
        false as is_sold
    from {{ ref('int_customer_costs_valued') }}
    union distinct
    select
        month,
        role_kind = 'pool' or coalesce(line_code not in ('K70', 'K80'), false) as is_posted,
        false as is_sold
    from {{ ref('int_ledger_entries_valued') }}
    where role_kind in ('line', 'pool', 'unmapped')
    union distinct
    select
        month,
        false as is_posted,
        false as is_sold
    from {{ ref('int_activities_resolved') }}
)

select
    min(month) as first_month,
    max(month) as last_month,
    max(case when is_posted then month end) as last_posted_month,
    max(case when is_sold then month end) as last_sales_month
from used_months
