{# What price, volume and mix are told apart by is what the products sold for: no line is lost between the two,
   and no piece that came with a price. Leaves less accounts, and less the pieces of the records, must come to 0. #}
{% macro int_leaf_months__sum_to_product_accounts() -%}
{%- set columns = ['quantity', 'sales', 'cogs'] %}

with amounts as (
    select
        customer_id,
        product_id,
        month,
        priced_quantity as quantity,
        list_sales - invoice_discount - returns as sales,
        cogs
    from {{ ref('int_leaf_months') }}
    union all
    select
        customer_id,
        product_id,
        month,
        0 as quantity,
        returns - invoiced_sales as sales,
        -cogs as cogs
    from {{ ref('product_accounts') }}
    union all
    select
        customer_id,
        product_id,
        month,
        -quantity as quantity,
        0 as sales,
        0 as cogs
    from {{ ref('int_sales_lines_valued') }}
    where is_inside_account and line_type = 'goods' and list_sales - invoice_discount - returns is distinct from 0
)

select
    customer_id,
    product_id,
    month,
    {{ each('sum({}) as {}_apart', columns) }}
from amounts
group by customer_id, product_id, month
having {{ each('sum({}) is distinct from 0', columns, ' or ') }}
{%- endmacro %}
