{# The leaves of two compared windows hold all sales and costs of the products in those months: what a join lost
   would otherwise turn up in the rest of the bridge, as if it were bonus. #}
{% macro int_customer_effects__hold_what_the_products_sold_for() -%}
with leaves as (
    select
        month,
        time_window,
        sum(sales_now) as sales_now,
        sum(sales_then) as sales_then,
        sum(cogs_now) as cogs_now,
        sum(cogs_then) as cogs_then
    from {{ ref('int_customer_effects') }}
    group by month, time_window
),

products as (
    select
        month,
        sum(invoiced_sales - returns) as sales,
        sum(cogs) as cogs
    from {{ ref('product_accounts') }}
    group by month
),

expected as (
    select
        windows.month,
        windows.time_window,
        sum(case when products.month >= windows.first_month then products.sales else 0 end) as sales_now,
        sum(case when products.month <= windows.compared_last_month then products.sales else 0 end) as sales_then,
        sum(case when products.month >= windows.first_month then products.cogs else 0 end) as cogs_now,
        sum(case when products.month <= windows.compared_last_month then products.cogs else 0 end) as cogs_then
    from {{ ref('time_windows') }} as windows
    left join products
        on
            (windows.first_month <= products.month and windows.month >= products.month)
            or (windows.compared_first_month <= products.month and windows.compared_last_month >= products.month)
    where windows.is_bridged
    group by windows.month, windows.time_window
)

select
    coalesce(expected.month, leaves.month) as month,
    coalesce(expected.time_window, leaves.time_window) as time_window,
    expected.sales_now,
    leaves.sales_now as leaf_sales_now,
    expected.sales_then,
    leaves.sales_then as leaf_sales_then
from expected
full outer join leaves
    on expected.month = leaves.month and expected.time_window = leaves.time_window
where
    coalesce(expected.sales_now, 0) is distinct from coalesce(leaves.sales_now, 0)
    or coalesce(expected.sales_then, 0) is distinct from coalesce(leaves.sales_then, 0)
    or coalesce(expected.cogs_now, 0) is distinct from coalesce(leaves.cogs_now, 0)
    or coalesce(expected.cogs_then, 0) is distinct from coalesce(leaves.cogs_then, 0)
{%- endmacro %}
