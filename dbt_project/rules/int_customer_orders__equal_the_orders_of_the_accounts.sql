{# Fails for each customer and month whose orders are not as many as the account counts, or are not invoiced for
   what the sales of the month come to. #}
{% macro int_customer_orders__equal_the_orders_of_the_accounts() -%}
with orders as (
    select
        customer_id,
        month,
        sum(case when line_count > 0 then 1 else 0 end) as order_count,
        sum(invoiced_amount) as invoiced_amount
    from {{ ref('int_customer_orders') }}
    group by customer_id, month
),

sales as (
    select
        customer_id,
        month,
        sum(list_sales - invoice_discount) as invoiced_amount
    from {{ ref('int_leaf_months') }}
    group by customer_id, month
),

accounts as (
    select
        accounts.customer_id,
        accounts.month,
        accounts.order_count,
        coalesce(sales.invoiced_amount, 0) as invoiced_amount
    from {{ ref('customer_accounts') }} as accounts
    left join sales
        on accounts.customer_id = sales.customer_id and accounts.month = sales.month
)

select
    coalesce(accounts.customer_id, orders.customer_id) as customer_id,
    coalesce(accounts.month, orders.month) as month,
    accounts.order_count as account_order_count,
    orders.order_count,
    accounts.invoiced_amount as account_invoiced_amount,
    orders.invoiced_amount
from accounts
full join orders
    on accounts.customer_id = orders.customer_id and accounts.month = orders.month
where
    coalesce(accounts.order_count, 0) is distinct from coalesce(orders.order_count, 0)
    or coalesce(accounts.invoiced_amount, 0) is distinct from coalesce(orders.invoiced_amount, 0)
{%- endmacro %}
