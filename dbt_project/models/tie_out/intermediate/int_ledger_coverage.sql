-- Which months the ledger covers, and whether it books the lines of the customer account at all or only cost pools. A
-- month counts as covered up to the last one with such a line (or pool): entries that are booked ahead, or on other
-- accounts, do not make a running month a booked one. The company may end it earlier.
with customer_line_accounts as (
    select count(*) as account_count
    from {{ ref('stg_ledger_accounts') }} as accounts
    inner join {{ ref('ladder') }} as ladder
        on accounts.account_role = ladder.line_code
    where ladder.is_ledger_role and ladder.level = 'customer'
),

booked as (
    select
        min(entries.month) as first_month,
        max(
            case
                when
                    ladder.level = 'customer'
                    or (customer_line_accounts.account_count = 0 and entries.role_kind = 'pool')
                    then entries.month
            end
        ) as last_month,
        coalesce(max(customer_line_accounts.account_count), 0) > 0 as books_customer_lines
    from {{ ref('int_ledger_entries_valued') }} as entries
    cross join customer_line_accounts
    left join {{ ref('ladder') }} as ladder
        on entries.line_code = ladder.line_code
)

select
    booked.first_month,
    least(booked.last_month, coalesce({{ period_of('company.ledger_closed_to') }}, booked.last_month)) as last_month,
    booked.books_customer_lines
from booked
cross join {{ ref('stg_company') }} as company
