{# Fails for each customer and month whose products do not add up to the customer's account. Adjustments and
   write- downs of returned goods belong to no product. #}
{% macro product_accounts__sum_to_customer_accounts() -%}
with product_lines as (
    select
        customer_id,
        month,
        sum(list_sales) as list_sales,
        sum(invoice_discount) as invoice_discount,
        sum(returns) as returns,
        sum(cogs) as cogs,
        sum(product_margin) as product_margin
    from {{ ref('product_accounts') }}
    group by customer_id, month
),

account_lines as (
    select
        customer_id,
        month,
        sum(case when line_code = 'K00' then amount - adjustment else 0 end) as list_sales,
        sum(case when line_code = 'K05' then amount - adjustment else 0 end) as invoice_discount,
        sum(case when line_code = 'K15' then amount - adjustment else 0 end) as returns,
        sum(case when line_code = 'K35' then amount - adjustment else 0 end) as cogs
    from {{ ref('customer_account_lines') }}
    group by customer_id, month
),

write_downs as (
    select
        customer_id,
        month,
        sum(amount) as amount
    from {{ ref('int_customer_costs_valued') }}
    where column_name = 'cogs'
    group by customer_id, month
),

accounts as (
    select
        account_lines.customer_id,
        account_lines.month,
        account_lines.list_sales,
        account_lines.invoice_discount,
        account_lines.returns,
        account_lines.cogs - coalesce(write_downs.amount, 0) as cogs
    from account_lines
    left join write_downs
        on account_lines.customer_id = write_downs.customer_id and account_lines.month = write_downs.month
)

select
    coalesce(product_lines.customer_id, accounts.customer_id) as customer_id,
    coalesce(product_lines.month, accounts.month) as month,
    product_lines.list_sales as list_sales_of_products,
    accounts.list_sales,
    product_lines.invoice_discount as invoice_discount_of_products,
    accounts.invoice_discount,
    product_lines.returns as returns_of_products,
    accounts.returns,
    product_lines.cogs as cogs_of_products,
    accounts.cogs,
    product_lines.product_margin
from product_lines
full join accounts
    on product_lines.customer_id = accounts.customer_id and product_lines.month = accounts.month
-- A customer's month without sales has no row in product_accounts.
where
    coalesce(product_lines.list_sales, 0) is distinct from coalesce(accounts.list_sales, 0)
    or coalesce(product_lines.invoice_discount, 0) is distinct from coalesce(accounts.invoice_discount, 0)
    or coalesce(product_lines.returns, 0) is distinct from coalesce(accounts.returns, 0)
    or coalesce(product_lines.cogs, 0) is distinct from coalesce(accounts.cogs, 0)
    or coalesce(product_lines.product_margin, 0)
    is distinct from coalesce(accounts.list_sales - accounts.invoice_discount - accounts.returns - accounts.cogs, 0)
{%- endmacro %}
