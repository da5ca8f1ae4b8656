-- Leaf months by group of products, where the company tells price, volume and mix apart by groups; else none.
-- Quantities of a group count only within one unit of measure.
select
    leaves.customer_id,
    products.leaf_id as product_group,
    products.unit_of_measure,
    leaves.currency,
    leaves.month,
    cast(sum(leaves.priced_quantity) as decimal(18, 6)) as quantity,
    cast(sum(leaves.list_sales - leaves.invoice_discount - leaves.returns) as decimal(18, 4)) as sales,
    cast(sum(leaves.cogs) as decimal(18, 4)) as cogs,
    cast(sum(leaves.sales_in_currency) as decimal(18, 4)) as sales_in_currency
from {{ ref('int_leaf_months') }} as leaves
inner join {{ ref('stg_company') }} as company
    on company.pvm_leaf = 'product_group'
inner join {{ ref('int_leaf_products') }} as products
    on leaves.product_id = products.product_id
group by leaves.customer_id, products.leaf_id, products.unit_of_measure, leaves.currency, leaves.month
