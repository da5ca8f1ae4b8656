-- Fails for each customer and month whose products do not add up to the customer's account.
{{ config(meta={'dagster': {'ref': {'name': 'product_accounts'}}}) }}

with products as (
    select
        customer_id,
        month,
        cast(sum(list_sales) as decimal(18, 4)) as list_sales,
        cast(sum(invoice_discount) as decimal(18, 4)) as invoice_discount,
        cast(sum(invoiced_sales) as decimal(18, 4)) as invoiced_sales,
        cast(sum(returns) as decimal(18, 4)) as returns,
        cast(sum(cogs) as decimal(18, 4)) as cogs,
        cast(sum(product_margin) as decimal(18, 4)) as product_margin
    from {{ ref('product_accounts') }}
    group by customer_id, month
)

select
    coalesce(products.customer_id, accounts.customer_id) as customer_id,
    coalesce(products.month, accounts.month) as month,
    products.list_sales as list_sales_of_products,
    accounts.list_sales,
    products.invoice_discount as invoice_discount_of_products,
    accounts.invoice_discount,
    products.returns as returns_of_products,
    accounts.returns,
    products.cogs as cogs_of_products,
    accounts.cogs,
    products.product_margin
from products
full join {{ ref('customer_accounts') }} as accounts
    on products.customer_id = accounts.customer_id and products.month = accounts.month
-- A customer's month without sales has no row in product_accounts.
where
    coalesce(products.list_sales, 0) is distinct from coalesce(accounts.list_sales, 0)
    or coalesce(products.invoice_discount, 0) is distinct from coalesce(accounts.invoice_discount, 0)
    or coalesce(products.invoiced_sales, 0) is distinct from coalesce(accounts.invoiced_sales, 0)
    or coalesce(products.returns, 0) is distinct from coalesce(accounts.returns, 0)
    or coalesce(products.cogs, 0) is distinct from coalesce(accounts.cogs, 0)
    or coalesce(products.product_margin, 0)
    is distinct from coalesce(accounts.invoiced_sales - accounts.returns - accounts.cogs, 0)
