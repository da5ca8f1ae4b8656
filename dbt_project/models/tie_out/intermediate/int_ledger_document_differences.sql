-- Differences to the ledger that a document explains: the same amount in the month before or after (timing), or another
-- rate on a document in foreign currency (exchange_difference). Only documents whose number the ledger carries can be
-- asked.
with company as (
    select currency as company_currency
    from {{ ref('stg_company') }}
),

ledger_documents as (
    select
        lines.ledger_line_code,
        entries.document_no,
        entries.month,
        sum(-entries.amount * lines.ledger_line_sign) as ledger_amount
    from {{ ref('int_ledger_entries_valued') }} as entries
    inner join {{ ref('int_ledger_lines') }} as lines
        on entries.line_code = lines.line_code
    where entries.role_kind = 'line' and coalesce(trim(entries.document_no), '') <> ''
    group by lines.ledger_line_code, entries.document_no, entries.month
),

document_numbers as (
    select distinct document_no
    from ledger_documents
),

account_documents as (
    select
        lines.ledger_line_code,
        postings.document_no,
        postings.month,
        sum(postings.amount * lines.sign_on_ledger_line) as account_amount,
        sum(postings.source_amount * lines.sign_on_ledger_line) as source_amount,
        min(postings.source_currency) as source_currency,
        count(distinct postings.source_currency) as currency_count
    from {{ ref('postings') }} as postings
    inner join document_numbers
        on postings.document_no = document_numbers.document_no
    inner join {{ ref('int_ledger_lines') }} as lines
        on postings.line_code = lines.line_code
    group by lines.ledger_line_code, postings.document_no, postings.month
),

months as (
    select
        coalesce(ledger_documents.ledger_line_code, account_documents.ledger_line_code) as ledger_line_code,
        coalesce(ledger_documents.document_no, account_documents.document_no) as document_no,
        coalesce(ledger_documents.month, account_documents.month) as month,
        account_documents.account_amount,
        ledger_documents.ledger_amount,
        account_documents.source_amount,
        account_documents.source_currency,
        coalesce(account_documents.currency_count, 0) as currency_count
    from ledger_documents
    full join account_documents
        on
            ledger_documents.ledger_line_code = account_documents.ledger_line_code
            and ledger_documents.document_no = account_documents.document_no
            and ledger_documents.month = account_documents.month
),

documents as (
    select
        ledger_line_code,
        document_no,
        sum(account_amount) as account_amount,
        sum(ledger_amount) as ledger_amount,
        sum(source_amount) as source_amount,
        min(source_currency) as source_currency,
        max(source_currency) as other_currency,
        max(currency_count) as currency_count,
        min(month) as first_month,
        max(month) as last_month
    from months
    group by ledger_line_code, document_no
    having sum(account_amount) is not null and sum(ledger_amount) is not null
),

-- The rates in force from the month before the document to the month after it.
rates as (
    select
        documents.ledger_line_code,
        documents.document_no,
        min(exchange_rates.rate) as lowest_rate,
        max(exchange_rates.rate) as highest_rate
    from documents
    inner join {{ ref('stg_exchange_rates') }} as exchange_rates
        on
            documents.source_currency = exchange_rates.currency
            and exchange_rates.valid_from <= {{ last_day_of(add_months('documents.last_month', 1)) }}
            and exchange_rates.valid_before > {{ first_day_of(add_months('documents.first_month', -1)) }}
    group by documents.ledger_line_code, documents.document_no
),

-- What the documents would come to at the lowest and the highest rate.
bounded as (
    select
        documents.ledger_line_code,
        documents.document_no,
        documents.account_amount,
        documents.ledger_amount,
        documents.first_month,
        documents.last_month,
        coalesce(
            documents.currency_count = 1
            and documents.source_currency = documents.other_currency
            and documents.source_currency <> company.company_currency, false
        ) as is_in_one_foreign_currency,
        {{ money(exact_product('documents.source_amount', 'rates.lowest_rate', 4, 8)) }} as at_lowest_rate,
        {{ money(exact_product('documents.source_amount', 'rates.highest_rate', 4, 8)) }} as at_highest_rate
    from documents
    cross join company
    left join rates
        on documents.ledger_line_code = rates.ledger_line_code and documents.document_no = rates.document_no
),

explained as (
    select
        ledger_line_code,
        document_no,
        case
            when account_amount = ledger_amount and last_month <= {{ add_months('first_month', 1) }} then 'timing'
            when
                is_in_one_foreign_currency
                and ledger_amount >= least(at_lowest_rate, at_highest_rate)
                and ledger_amount <= greatest(at_lowest_rate, at_highest_rate)
                then 'exchange_difference'
        end as cause
    from bounded
)

select
    months.ledger_line_code,
    months.document_no,
    months.month,
    explained.cause,
    cast(coalesce(months.account_amount, 0) - coalesce(months.ledger_amount, 0) as decimal(18, 4)) as difference
from months
inner join explained
    on months.ledger_line_code = explained.ledger_line_code and months.document_no = explained.document_no
where
    explained.cause is not null
    and coalesce(months.account_amount, 0) - coalesce(months.ledger_amount, 0) <> 0
