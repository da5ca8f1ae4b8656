-- What the account has of parts of a minor unit (foreign currency, unit costs), and what a ledger in whole minor units
-- therefore differs by: exactly this much, whether it rounds each record, each document or each month.
with company as (
    select cast(minor_unit * 10000 as bigint) as minor_unit_size
    from {{ ref('stg_company') }}
),

-- Amounts of whole minor units change no rounding.
fractions as (
    select
        postings.month,
        lines.ledger_line_code,
        postings.document_no,
        company.minor_unit_size,
        {{ money_units('postings.amount') }} * lines.sign_on_ledger_line as amount_units
    from {{ ref('postings') }} as postings
    cross join company
    inner join {{ ref('int_ledger_lines') }} as lines
        on postings.line_code = lines.line_code
    where
        postings.feed in ('sales_lines', 'customer_costs')
        and {{ money_units('postings.amount') }} % company.minor_unit_size <> 0
),

documents as (
    select
        month,
        ledger_line_code,
        document_no,
        minor_unit_size,
        sum(amount_units) as amount_units,
        sum(amount_units - {{ div_half_up('amount_units', 'minor_unit_size') }} * minor_unit_size) as by_record
    from fractions
    group by month, ledger_line_code, document_no, minor_unit_size
),

months as (
    select
        month,
        ledger_line_code,
        minor_unit_size,
        sum(amount_units) as amount_units,
        sum(by_record) as by_record,
        sum(amount_units - {{ div_half_up('amount_units', 'minor_unit_size') }} * minor_unit_size) as by_document
    from documents
    group by month, ledger_line_code, minor_unit_size
)

select
    month,
    ledger_line_code,
    cast(by_record * cast(0.0001 as decimal(5, 4)) as decimal(18, 4)) as by_record,
    cast(by_document * cast(0.0001 as decimal(5, 4)) as decimal(18, 4)) as by_document,
    cast(
        (amount_units - {{ div_half_up('amount_units', 'minor_unit_size') }} * minor_unit_size)
        * cast(0.0001 as decimal(5, 4)) as decimal(18, 4)
    ) as by_month
from months
