-- Which leaf each product belongs to, by what the company tells price, volume and mix apart by. A product without a
-- group is one by itself.
{{ config(materialized='view') }}

select
    products.product_id,
    case
        when company.pvm_leaf = 'product_group' then coalesce(products.product_group, products.product_id)
        else products.product_id
    end as leaf_id,
    coalesce(products.unit_of_measure, '') as unit_of_measure
from {{ ref('products') }} as products
cross join {{ ref('stg_company') }} as company
