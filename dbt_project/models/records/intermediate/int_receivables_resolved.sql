-- Whose every document of the customer ledger is, and whether it was given up as lost before it was paid, if it was.
-- What its credit time costs belongs in int_credit_costs.
with before_payment as (
    {{ bad_debts_before_payment() }}
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
    receivables.source_sheet,
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
