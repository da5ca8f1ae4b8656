-- Sales lines summed to what price, volume and mix are told apart by: customer, product and currency. Windows of time
-- and effects belong in the models built on it.
select
    customer_id,
    product_id,
    currency,
    month,
    -- A sample has a cost and no price: its pieces would make the price of the others look lower.
    cast(
        sum(
            case
                when line_type = 'goods' and list_sales - invoice_discount - returns <> 0 then quantity
                else 0
            end
        ) as decimal(18, 6)
    ) as quantity,
    cast(sum(list_sales - invoice_discount - returns) as decimal(18, 4)) as sales,
    -- The same in the currency of the invoice; a line of any type that counts in the account counts here.
    cast(
        sum(case when line_type in ('goods', 'fee', 'discount') then net_amount else 0 end) as decimal(18, 4)
    ) as sales_in_currency,
    cast(sum(cogs) as decimal(18, 4)) as cogs
from {{ ref('int_sales_lines_valued') }}
where is_inside_account and line_type <> 'freight_charge'
group by customer_id, product_id, currency, month
-- What is summed over windows lies together: that halves the time of summing it.
order by customer_id asc nulls last, product_id asc nulls last, currency asc nulls last, month asc nulls last
