-- What a customer's month consists of, product by product. Costs that belong to no sales line (freight, bonus)
-- are not spread on products.
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
from {{ ref('int_product_months') }}
where
    quantity <> 0
    or list_sales <> 0
    or invoice_discount <> 0
    or returns <> 0
    or cogs <> 0
