-- What a customer's month consists of, product by product. Costs that belong to no sales line (freight, bonus)
-- are not spread on products.
with product_months as (
    select
        customer_id,
        product_id,
        month,
        cast(sum(quantity) as decimal(18, 6)) as quantity,
        cast(sum(list_sales) as decimal(18, 4)) as list_sales,
        cast(sum(invoice_discount) as decimal(18, 4)) as invoice_discount,
        cast(sum(returns) as decimal(18, 4)) as returns,
        cast(sum(cogs) as decimal(18, 4)) as cogs
    from {{ ref('int_leaf_months') }}
    group by customer_id, product_id, month
)

select
    customer_id,
    product_id,
    month,
    quantity,
    list_sales,
    invoice_discount,
    cast(list_sales - invoice_discount as decimal(18, 4)) as invoiced_sales,
    returns,
    cogs,
    cast(list_sales - invoice_discount - returns - cogs as decimal(18, 4)) as product_margin
from product_months
where
    quantity <> 0
    or list_sales <> 0
    or invoice_discount <> 0
    or returns <> 0
    or cogs <> 0
