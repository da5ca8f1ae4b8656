-- Every product that the company supplies or that has a record in the account, and always the unknown one.
with product_ids as (
    select product_id from {{ ref('stg_products') }}
    union distinct
    select product_id from {{ ref('int_leaf_months') }}
    union distinct
    select {{ unknown_id() }} as product_id
)

select
    product_ids.product_id,
    coalesce(products.product_name, product_ids.product_id) as product_name,
    products.product_group,
    products.unit_of_measure,
    product_ids.product_id = {{ unknown_id() }} as is_unknown
from product_ids
left join {{ ref('stg_products') }} as products
    on product_ids.product_id = products.product_id
