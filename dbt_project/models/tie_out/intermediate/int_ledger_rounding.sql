-- What the account has of parts of a minor unit (foreign currency, discounts, unit costs), and what a ledger in whole
-- minor units therefore differs by: exactly this much, whether it rounds each record, each document or each month. Half
-- a minor unit may go either way, whichever rule the ledger has for halves; each half once, so that the lowest and the
-- highest difference lie as many minor units apart as there are halves.
with company as (
    select
        minor_unit,
        cast(minor_unit * 10000 as bigint) as minor_unit_size
    from {{ ref('stg_company') }}
),

-- Amounts of whole minor units change no rounding. A ledger that books on a subtotal rounds what a record comes to
-- there, not its list price and its discount apart.
records as (
    select
        postings.month,
        lines.ledger_line_code,
        postings.document_no,
        company.minor_unit,
        company.minor_unit_size,
        sum({{ money_units('postings.amount') }} * lines.sign_on_ledger_line) as amount_units
    from {{ ref('postings') }} as postings
    cross join company
    inner join {{ ref('int_ledger_lines') }} as lines
        on postings.line_code = lines.line_code
    where
        postings.feed in ('sales_lines', 'customer_costs')
        and {{ money_units('postings.amount') }} % company.minor_unit_size <> 0
    group by
        postings.month, lines.ledger_line_code, postings.document_no, postings.feed, postings.source_file,
        postings.source_sheet, postings.source_record, company.minor_unit, company.minor_unit_size
),

documents as (
    select
        month,
        ledger_line_code,
        document_no,
        minor_unit,
        minor_unit_size,
        sum(amount_units) as amount_units,
        sum({{ rounded_away('amount_units', 'minor_unit_size') }}) as by_record,
        sum({{ halves('amount_units', 'minor_unit_size') }}) as record_halves
    from records
    group by month, ledger_line_code, document_no, minor_unit, minor_unit_size
),

months as (
    select
        month,
        ledger_line_code,
        minor_unit,
        minor_unit_size,
        sum(amount_units) as amount_units,
        sum(by_record) as by_record,
        sum(record_halves) as record_halves,
        sum({{ rounded_away('amount_units', 'minor_unit_size') }}) as by_document,
        sum({{ halves('amount_units', 'minor_unit_size') }}) as document_halves
    from documents
    group by month, ledger_line_code, minor_unit, minor_unit_size
),

measured as (
    select
        month,
        ledger_line_code,
        minor_unit,
        minor_unit_size,
        by_record,
        record_halves,
        by_document,
        document_halves,
        {{ rounded_away('amount_units', 'minor_unit_size') }} as by_month,
        {{ halves('amount_units', 'minor_unit_size') }} as month_halves
    from months
)

select
    month,
    ledger_line_code,
    minor_unit,
    {{ rounding_bound('by_record', '-', 'record_halves') }} as lowest_by_record,
    {{ rounding_bound('by_record', '+', 'record_halves') }} as highest_by_record,
    {{ rounding_bound('by_document', '-', 'document_halves') }} as lowest_by_document,
    {{ rounding_bound('by_document', '+', 'document_halves') }} as highest_by_document,
    {{ rounding_bound('by_month', '-', 'month_halves') }} as lowest_by_month,
    {{ rounding_bound('by_month', '+', 'month_halves') }} as highest_by_month
from measured
