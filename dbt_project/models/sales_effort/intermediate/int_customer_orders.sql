-- What each order was invoiced for, month by month, and whether freight was charged: what small orders and free freight
-- are found by. An order is what order_count counts. Which orders are too small does not belong here.
with documents as (
    select
        customer_id,
        month,
        document_no,
        order_no,
        line_count,
        list_sales - invoice_discount as invoiced_amount,
        freight_charged
    from {{ ref('int_sales_documents') }}
    where is_inside_account and document_type = 'invoice'
),

invoices as (
    select
        customer_id,
        month,
        document_no,
        min(order_no) as first_order_no,
        sum(freight_charged) as freight_charged
    from documents
    group by customer_id, month, document_no
),

-- A line without an order number belongs to the first order of its invoice; an invoice without any is an order itself.
orders as (
    select
        documents.customer_id,
        documents.month,
        case when invoices.first_order_no is null then 'document' else 'order' end as order_kind,
        coalesce(documents.order_no, invoices.first_order_no, documents.document_no) as order_key,
        documents.line_count,
        documents.invoiced_amount,
        documents.freight_charged,
        invoices.freight_charged as invoice_freight_charged
    from documents
    inner join invoices
        on
            documents.customer_id = invoices.customer_id
            and documents.month = invoices.month
            and documents.document_no = invoices.document_no
)

select
    customer_id,
    month,
    order_kind,
    order_key,
    cast(sum(line_count) as bigint) as line_count,
    cast(sum(invoiced_amount) as decimal(18, 4)) as invoiced_amount,
    cast(sum(freight_charged) as decimal(18, 4)) as freight_charged,
    -- Orders on one invoice share its freight.
    max(invoice_freight_charged) > 0 as is_freight_charged
from orders
group by customer_id, month, order_kind, order_key
