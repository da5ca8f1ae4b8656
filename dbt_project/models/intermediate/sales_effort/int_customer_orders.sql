-- What each order was invoiced for, month by month, and whether freight was charged: what small orders and free freight
-- are found by. An order is what order_count counts. Which orders are too small does not belong here.
with lines as (
    select
        customer_id,
        month,
        document_no,
        order_no,
        case when line_type = 'goods' then 1 else 0 end as line_count,
        list_sales - invoice_discount as invoiced_amount,
        freight_charged
    from {{ ref('int_sales_lines_valued') }}
    where is_inside_account and document_type = 'invoice'
),

invoices as (
    select
        customer_id,
        month,
        document_no,
        min(order_no) as first_order_no,
        sum(freight_charged) as freight_charged
    from lines
    group by customer_id, month, document_no
),

-- A line without an order number belongs to the first order of its invoice; an invoice without any is an order itself.
orders as (
    select
        lines.customer_id,
        lines.month,
        case when invoices.first_order_no is null then 'document' else 'order' end as order_kind,
        coalesce(lines.order_no, invoices.first_order_no, lines.document_no) as order_key,
        lines.line_count,
        lines.invoiced_amount,
        lines.freight_charged,
        invoices.freight_charged as invoice_freight_charged
    from lines
    inner join invoices
        on
            lines.customer_id = invoices.customer_id
            and lines.month = invoices.month
            and lines.document_no = invoices.document_no
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
