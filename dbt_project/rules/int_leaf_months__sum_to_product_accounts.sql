{# What price, volume and mix are told apart by is what the products sold for: no line is lost between the two,
   and no piece that came with a price. #}
{% macro int_leaf_months__sum_to_product_accounts() -%}
with leaves as (
    select
        customer_id,
        product_id,
        month,
        sum(quantity) as quantity,
        sum(sales) as sales,
        sum(cogs) as cogs
    from {{ ref('int_leaf_months') }}
    group by customer_id, product_id, month
),

priced as (
    select
        customer_id,
        product_id,
        month,
        sum(quantity) as quantity
    from {{ ref('int_sales_lines_valued') }}
    where is_inside_account and line_type = 'goods' and list_sales - invoice_discount - returns is distinct from 0
    group by customer_id, product_id, month
)

select
    coalesce(leaves.customer_id, products.customer_id) as customer_id,
    coalesce(leaves.product_id, products.product_id) as product_id,
    coalesce(leaves.month, products.month) as month
from leaves
full outer join {{ ref('product_accounts') }} as products
    on
        leaves.customer_id = products.customer_id
        and leaves.product_id = products.product_id
        and leaves.month = products.month
left join priced
    on
        leaves.customer_id = priced.customer_id
        and leaves.product_id = priced.product_id
        and leaves.month = priced.month
where
    coalesce(leaves.sales, 0) is distinct from coalesce(products.invoiced_sales - products.returns, 0)
    or coalesce(leaves.cogs, 0) is distinct from coalesce(products.cogs, 0)
    or coalesce(leaves.quantity, 0) is distinct from coalesce(priced.quantity, 0)
{%- endmacro %}
