-- Which orders there are, and what each was invoiced for, month by month: the one home of what an order is. It is one
-- in the months in which it has lines that sell goods (is_order_line of int_sales_lines_valued); in its other months,
-- and where it has none at all, there is only its money. Which orders are too small does not belong here.
with documents as (
    select
        customer_id,
        month,
        posting_date,
        document_no,
        order_no,
        line_count,
        list_sales - invoice_discount as invoiced_amount,
        freight_charged,
        -- Over all months of the invoice: a line posted later is of the order that the invoice is.
        min(order_no) over (partition by customer_id, document_no) as first_order_no,
        sum(freight_charged) over (partition by customer_id, document_no) as invoice_freight_charged
    from {{ ref('int_sales_documents') }}
    where is_inside_account and document_type = 'invoice'
),

-- A line without an order number belongs to the first order of its invoice; an invoice without any is an order itself.
-- Order numbers and document numbers are two series: the same number in both is two orders.
orders as (
    select
        customer_id,
        month,
        posting_date,
        case when first_order_no is null then 'document' else 'order' end as order_kind,
        coalesce(order_no, first_order_no, document_no) as order_key,
        line_count,
        invoiced_amount,
        freight_charged,
        invoice_freight_charged
    from documents
),

order_months as (
    select
        customer_id,
        month,
        order_kind,
        order_key,
        min(case when line_count > 0 then posting_date end) as order_date,
        cast(sum(line_count) as bigint) as line_count,
        cast(sum(invoiced_amount) as decimal(18, 4)) as invoiced_amount,
        cast(sum(freight_charged) as decimal(18, 4)) as freight_charged,
        -- Orders on one invoice share its freight.
        max(invoice_freight_charged) > 0 as is_freight_charged
    from orders
    group by customer_id, month, order_kind, order_key
)

select
    customer_id,
    month,
    order_kind,
    order_key,
    order_date,
    -- By it a window of months counts each of its orders once.
    case
        when line_count > 0
            then max(case when line_count > 0 then month end) over (
                partition by customer_id, order_kind, order_key
                order by month asc nulls last
                rows between unbounded preceding and 1 preceding
            )
    end as previous_month,
    line_count,
    invoiced_amount,
    freight_charged,
    is_freight_charged
from order_months
