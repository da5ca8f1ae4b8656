-- What the credit time of every document costs in each month: amount x interest x days / days of the year, by the
-- terms of each day, from invoice to payment or to the day it was given up as lost. Open documents run to the end of
-- the last posted month; a payment before the invoice is credit the customer gives, so its cost is negative. Where a
-- payment is known that comes after the last posted month, its days stand in that month until their own is posted.
with company as (
    select
        credit_interest_rate,
        day_count
    from {{ ref('stg_company') }}
),

ladder_line as (
    select is_used
    from {{ ref('ladder') }}
    where column_name = 'credit_cost'
),

-- company.yaml applies until the first of the company's own terms.
all_terms as (
    select
        cast('0001-01-01' as date) as valid_from,
        credit_interest_rate as interest_rate,
        day_count
    from company
    union all
    select
        valid_from,
        interest_rate,
        day_count
    from {{ ref('stg_credit_terms') }}
),

terms as (
    select
        valid_from,
        interest_rate,
        cast(day_count as decimal(9, 0)) as day_count,
        coalesce(
            lead(valid_from) over (order by valid_from asc nulls last), cast('9999-12-31' as date)
        ) as valid_before
    from all_terms
),

period as (
    select
        {{ first_day_of('first_month') }} as first_day,
        {{ last_day_of('last_posted_month') }} + 1 as day_after
    from {{ ref('int_account_period') }}
),

documents as (
    select
        source_file,
        file_sha256,
        source_sheet,
        source_record,
        document_no,
        customer_id,
        amount,
        invoice_date,
        -- What is paid after it was given up was no credit any more; it is given up before the payment, or not at all.
        coalesce(lost_on, paid_date) as paid_date
    from {{ ref('int_receivables_resolved') }}
),

-- first_day: the first day of credit; day_after: the day it ends. Days before the accounts begin are not theirs.
credits as (
    select
        receivables.source_file,
        receivables.file_sha256,
        receivables.source_sheet,
        receivables.source_record,
        receivables.document_no,
        receivables.customer_id,
        case when receivables.paid_date < receivables.invoice_date then -1 else 1 end * receivables.amount as amount,
        greatest(
            least(receivables.invoice_date, coalesce(receivables.paid_date, receivables.invoice_date)),
            period.first_day
        ) as first_day,
        greatest(receivables.invoice_date, coalesce(receivables.paid_date, period.day_after)) as day_after
    from documents as receivables
    cross join period
    cross join ladder_line
    where ladder_line.is_used and receivables.invoice_date < period.day_after
),

months as (
    select
        months.month,
        {{ first_day_of('months.month') }} as first_day,
        case
            when months.month = period.last_posted_month then cast('9999-12-31' as date)
            else {{ last_day_of('months.month') }} + 1
        end as day_after
    from {{ ref('months') }} as months
    cross join {{ ref('int_account_period') }} as period
    where months.month <= period.last_posted_month
),

-- One row per document, terms and month, with the days of credit from the terms' start to the month's end.
spans as (
    select
        credits.source_file,
        credits.file_sha256,
        credits.source_sheet,
        credits.source_record,
        credits.document_no,
        credits.customer_id,
        credits.amount,
        months.month,
        terms.interest_rate,
        terms.day_count,
        greatest(credits.first_day, terms.valid_from) as span_start,
        months.first_day as month_start,
        least(credits.day_after, terms.valid_before, months.day_after) as span_end
    from credits
    inner join months
        on credits.first_day < months.day_after and credits.day_after > months.first_day
    inner join terms
        on
            terms.valid_from < least(credits.day_after, months.day_after)
            and terms.valid_before > greatest(credits.first_day, months.first_day)
),

days as (
    select
        source_file,
        file_sha256,
        source_sheet,
        source_record,
        document_no,
        customer_id,
        month,
        amount,
        interest_rate,
        day_count,
        cast({{ days_between('span_start', 'span_end') }} as decimal(9, 0)) as days_to_date,
        cast(greatest({{ days_between('span_start', 'month_start') }}, 0) as decimal(9, 0)) as days_before
    from spans
),

-- Cost to date less cost before: the months of a document sum to what the whole time costs, rounded once.
costs as (
    select
        source_file,
        file_sha256,
        source_sheet,
        source_record,
        document_no,
        customer_id,
        month,
        days_to_date - days_before as days,
        {{ credit_cost('amount', 'interest_rate', 'days_to_date', 'day_count') }}
        - {{ credit_cost('amount', 'interest_rate', 'days_before', 'day_count') }} as amount
    from days
)

select
    source_file,
    file_sha256,
    source_sheet,
    source_record,
    document_no,
    customer_id,
    month,
    cast(sum(days) as bigint) as days,
    cast(sum(amount) as decimal(18, 4)) as amount
from costs
group by source_file, file_sha256, source_sheet, source_record, document_no, customer_id, month
having sum(amount) <> 0
