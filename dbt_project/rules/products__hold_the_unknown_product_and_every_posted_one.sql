{# Fails for each product of a line in the account that the dimension lacks, and when it has no row for the
   unknown one. #}
{% macro products__hold_the_unknown_product_and_every_posted_one() -%}
with needed as (
    select product_id
    from {{ ref('int_sales_lines_valued') }}
    where is_inside_account
    union distinct
    select product_id from {{ ref('stg_products') }}
    union distinct
    select {{ unknown_id() }} as product_id
)

select needed.product_id
from needed
left join {{ ref('products') }} as products
    on needed.product_id = products.product_id
where products.product_id is null
{%- endmacro %}
