-- Whose every document of the customer ledger is, and whether it was given up as lost before it was paid, if it was.
-- What its credit time costs belongs in int_credit_costs.
with bad_debts as (
    select
        document_no,
        posting_date,
        sum(amount) as amount
    from {{ ref('int_customer_costs_valued') }}
    where cost_type = 'bad_debt' and document_no is not null
    group by document_no, posting_date
),

-- A bad debt that is taken back before the payment was none: what counts are those that came before the money, and
-- what they had come to on each of their days. A recovery that is booked with the payment takes nothing back.
before_payment as (
    select
        receivables.document_no,
        bad_debts.posting_date,
        sum(bad_debts.amount) over (
            partition by receivables.document_no
            order by bad_debts.posting_date asc nulls last
            rows between unbounded preceding and current row
        ) as given_up
    from {{ ref('stg_receivables') }} as receivables
    inner join bad_debts
        on receivables.document_no = bad_debts.document_no
    where receivables.paid_date is null or bad_debts.posting_date < receivables.paid_date
),

taken_back as (
    select
        document_no,
        max(posting_date) as last_day
    from before_payment
    where given_up <= 0
    group by document_no
),

losses as (
    select
        before_payment.document_no,
        min(before_payment.posting_date) as lost_on
    from before_payment
    left join taken_back
        on before_payment.document_no = taken_back.document_no
    where taken_back.last_day is null or before_payment.posting_date > taken_back.last_day
    group by before_payment.document_no
)

select
    receivables.source_file,
    receivables.file_sha256,
    receivables.source_record,
    receivables.document_no,
    receivables.customer_id as carried_customer_id,
    {{ resolved_id('receivables.customer_id') }} as customer_id,
    receivables.invoice_date,
    receivables.paid_date,
    case
        when
            losses.lost_on is not null
            and (
                receivables.paid_date is null
                or greatest(losses.lost_on, receivables.invoice_date) < receivables.paid_date
            )
            then greatest(losses.lost_on, receivables.invoice_date)
    end as lost_on,
    receivables.amount
from {{ ref('stg_receivables') }} as receivables
left join losses
    on receivables.document_no = losses.document_no
