-- Every product that the company supplies or that has a record in the account, and always the unknown one. One that
-- the company's own list lacks keeps its number, and says so where its name would stand.
with supplied as (
    {{ supplied_feeds(['products']) }}
),

product_ids as (
    select product_id from {{ ref('stg_products') }}
    union distinct
    select product_id from {{ ref('int_leaf_months') }}
    union distinct
    select {{ unknown_id() }} as product_id
)

select
    product_ids.product_id,
    case
        when
            supplied.products_supplied = 1
            and products.product_id is null
            and product_ids.product_id <> {{ unknown_id() }}
            then {{ name_of_unlisted_product() }}
        else coalesce(products.product_name, product_ids.product_id)
    end as product_name,
    products.product_group,
    products.unit_of_measure,
    product_ids.product_id = {{ unknown_id() }} as is_unknown,
    -- Where there is no list, no number is lacking in it.
    products.product_id is not null
    or (supplied.products_supplied = 0 and product_ids.product_id <> {{ unknown_id() }}) as is_in_list
from product_ids
cross join supplied
left join {{ ref('stg_products') }} as products
    on product_ids.product_id = products.product_id
