-- The leaf months that price, volume and mix are told apart by: products, or groups of them where the company says
-- so. The quantities of a group count only within one unit of measure; a product without a group is one by itself.
{{ config(materialized='view') }}

select
    leaves.customer_id,
    leaves.product_id as leaf_id,
    leaves.unit_of_measure,
    leaves.currency,
    leaves.month,
    leaves.priced_quantity as quantity,
    leaves.list_sales - leaves.invoice_discount - leaves.returns as sales,
    leaves.cogs,
    leaves.sales_in_currency
from {{ ref('int_leaf_months') }} as leaves
inner join {{ ref('stg_company') }} as company
    on company.pvm_leaf = 'product'
union all
select
    leaves.customer_id,
    leaves.product_group as leaf_id,
    leaves.unit_of_measure,
    leaves.currency,
    leaves.month,
    leaves.quantity,
    leaves.sales,
    leaves.cogs,
    leaves.sales_in_currency
from {{ ref('int_leaf_group_months') }} as leaves
