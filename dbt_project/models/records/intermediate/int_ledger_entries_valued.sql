-- What every ledger entry is in company currency, and which line or cost pool its account belongs to: the one home
-- of that rule. How a pool is given out belongs in int_pool_months and what follows it.
with company as (
    select currency as company_currency
    from {{ ref('stg_company') }}
),

entries as (
    select
        source_file,
        file_sha256,
        source_sheet,
        source_record,
        entry_no,
        posting_date,
        account_no,
        document_no,
        amount as source_amount,
        {{ id_or_null('currency') }} as currency
    from {{ ref('stg_ledger_entries') }}
),

accounts as (
    select
        accounts.account_no,
        accounts.account_role,
        case
            when substr(accounts.account_role, 1, 5) = 'pool:' then substr(accounts.account_role, 6)
        end as cost_pool_id,
        ladder.line_code
    from {{ ref('stg_ledger_accounts') }} as accounts
    left join {{ ref('ladder') }} as ladder
        on accounts.account_role = ladder.line_code and ladder.is_ledger_role
),

joined as (
    select
        entries.source_file,
        entries.file_sha256,
        entries.source_sheet,
        entries.source_record,
        entries.entry_no,
        entries.posting_date,
        entries.account_no,
        entries.document_no,
        entries.source_amount,
        coalesce(entries.currency, company.company_currency) as currency,
        case
            when coalesce(entries.currency, company.company_currency) = company.company_currency
                then cast(1 as decimal(18, 8))
            else exchange_rates.rate
        end as exchange_rate,
        accounts.account_role,
        accounts.cost_pool_id,
        accounts.line_code,
        case
            when accounts.account_role in ('outside', 'receivables') then accounts.account_role
            when accounts.cost_pool_id is not null then 'pool'
            when accounts.line_code is not null then 'line'
            else 'unmapped'
        end as role_kind
    from entries
    cross join company
    left join accounts
        on entries.account_no = accounts.account_no
    left join {{ ref('stg_exchange_rates') }} as exchange_rates
        on
            entries.currency = exchange_rates.currency
            and entries.posting_date >= exchange_rates.valid_from
            and entries.posting_date < exchange_rates.valid_before
)

select
    source_file,
    file_sha256,
    source_sheet,
    source_record,
    entry_no,
    posting_date,
    {{ period_of('posting_date') }} as month,
    account_no,
    account_role,
    role_kind,
    line_code,
    cost_pool_id,
    document_no,
    currency,
    exchange_rate,
    source_amount,
    exchange_rate is null as is_rejected,
    cast(
        coalesce({{ at_rate('source_amount', 'exchange_rate') }}, 0) as decimal(18, 4)
    ) as amount
from joined
