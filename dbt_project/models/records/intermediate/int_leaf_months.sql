-- Sales lines inside the account, summed per customer, product, currency and month: the one pass over the records that
-- accounts and bridges are made from. Everything coarser is summed from here.
with lines as (
    select
        lines.customer_id,
        lines.product_id,
        coalesce(products.unit_of_measure, '') as unit_of_measure,
        lines.currency,
        lines.month,
        lines.line_type,
        lines.is_order_line,
        lines.is_return_line,
        lines.quantity,
        lines.net_amount,
        lines.list_sales,
        lines.invoice_discount,
        lines.returns,
        lines.cogs,
        lines.freight_charged,
        lines.sales_without_cost,
        lines.returns_without_cost
    from {{ ref('int_sales_lines_valued') }} as lines
    left join {{ ref('stg_products') }} as products
        on lines.product_id = products.product_id
    where lines.is_inside_account
)

select
    customer_id,
    product_id,
    unit_of_measure,
    currency,
    month,
    cast(sum(case when line_type = 'goods' then quantity else 0 end) as decimal(18, 6)) as quantity,
    -- A sample has a cost and no price: its pieces would make the price of the others look lower.
    cast(
        sum(
            case
                when line_type = 'goods' and list_sales - invoice_discount - returns <> 0 then quantity
                else 0
            end
        ) as decimal(18, 6)
    ) as priced_quantity,
    cast(sum(list_sales) as decimal(18, 4)) as list_sales,
    cast(sum(invoice_discount) as decimal(18, 4)) as invoice_discount,
    cast(sum(returns) as decimal(18, 4)) as returns,
    cast(sum(cogs) as decimal(18, 4)) as cogs,
    cast(sum(freight_charged) as decimal(18, 4)) as freight_charged,
    cast(sum(sales_without_cost) as decimal(18, 4)) as sales_without_cost,
    cast(sum(returns_without_cost) as decimal(18, 4)) as returns_without_cost,
    -- Sales less returns in the currency of the invoice; a line of any type that is sales counts here.
    cast(
        sum(case when line_type in ('goods', 'fee', 'discount') then net_amount else 0 end) as decimal(18, 4)
    ) as sales_in_currency,
    cast(sum(case when is_order_line then 1 else 0 end) as bigint) as line_count,
    cast(sum(case when is_return_line then 1 else 0 end) as bigint) as return_line_count
from lines
group by customer_id, product_id, unit_of_measure, currency, month
-- What is summed over windows lies together: that halves the time of summing it.
order by customer_id asc nulls last, product_id asc nulls last, currency asc nulls last, month asc nulls last
