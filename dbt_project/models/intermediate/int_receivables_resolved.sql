-- Whose every document of the customer ledger is. What its credit time costs belongs in int_credit_costs.
with supplied as (
    {{ supplied_feeds(['customers']) }}
)

select
    receivables.source_file,
    receivables.file_sha256,
    receivables.source_record,
    receivables.document_no,
    receivables.customer_id as carried_customer_id,
    {{ resolved_id('receivables.customer_id', 'customers.customer_id', 'supplied.customers_supplied') }} as customer_id,
    receivables.invoice_date,
    receivables.due_date,
    receivables.paid_date,
    receivables.amount
from {{ ref('stg_receivables') }} as receivables
cross join supplied
left join {{ ref('stg_customers') }} as customers
    on receivables.customer_id = customers.customer_id
