-- Whose every document of the customer ledger is, and whether it was given up as lost. What its credit time costs
-- belongs in int_credit_costs.
with supplied as (
    {{ supplied_feeds(['customers']) }}
),

losses as (
    select
        document_no,
        min(posting_date) as lost_on
    from {{ ref('int_customer_costs_valued') }}
    where cost_type = 'bad_debt'
    group by document_no
)

select
    receivables.source_file,
    receivables.file_sha256,
    receivables.source_record,
    receivables.document_no,
    receivables.customer_id as carried_customer_id,
    {{ resolved_id('receivables.customer_id', 'customers.customer_id', 'supplied.customers_supplied') }} as customer_id,
    receivables.invoice_date,
    receivables.paid_date,
    case
        when receivables.paid_date is null and losses.lost_on is not null
            then greatest(losses.lost_on, receivables.invoice_date)
    end as lost_on,
    receivables.amount
from {{ ref('stg_receivables') }} as receivables
cross join supplied
left join {{ ref('stg_customers') }} as customers
    on receivables.customer_id = customers.customer_id
left join losses
    on receivables.document_no = losses.document_no
