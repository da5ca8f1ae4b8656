-- Sales lines inside the account, summed per customer, product and month, and nothing else. It is stored,
-- so that the marts do not value every line again.
select
    customer_id,
    product_id,
    month,
    cast(sum(case when line_type = 'goods' then quantity else 0 end) as decimal(18, 6)) as quantity,
    cast(sum(list_sales) as decimal(18, 4)) as list_sales,
    cast(sum(invoice_discount) as decimal(18, 4)) as invoice_discount,
    cast(sum(returns) as decimal(18, 4)) as returns,
    cast(sum(cogs) as decimal(18, 4)) as cogs,
    cast(sum(freight_charged) as decimal(18, 4)) as freight_charged,
    cast(sum(sales_without_cost) as decimal(18, 4)) as sales_without_cost,
    cast(
        sum(case when document_type = 'invoice' and line_type = 'goods' then 1 else 0 end) as bigint
    ) as line_count,
    cast(
        sum(case when document_type = 'credit_note' and line_type = 'goods' then 1 else 0 end) as bigint
    ) as return_line_count
from {{ ref('int_sales_lines_valued') }}
where is_inside_account
group by customer_id, product_id, month
