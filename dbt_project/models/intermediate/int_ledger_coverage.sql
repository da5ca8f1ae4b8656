-- Which months the ledger covers, and whether it books the lines of the customer account at all or only cost pools.
with customer_line_accounts as (
    select count(*) as account_count
    from {{ ref('stg_ledger_accounts') }} as accounts
    inner join {{ ref('ladder') }} as ladder
        on accounts.account_role = ladder.line_code
    where ladder.is_ledger_role and ladder.level = 'customer'
)

select
    min(entries.month) as first_month,
    max(entries.month) as last_month,
    coalesce(max(customer_line_accounts.account_count), 0) > 0 as books_customer_lines
from {{ ref('int_ledger_entries_valued') }} as entries
cross join customer_line_accounts
