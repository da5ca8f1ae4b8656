-- What a customer's sales lines of a month come to, what customer costs take of them down to net sales, and every
-- count but that of orders, which are not made of leaves. Orders, all other customer costs, and what is computed
-- (accrued bonus, cost pools, credit time), are added in customer_accounts.
with sales as (
    select
        customer_id,
        month,
        sum(list_sales) as list_sales,
        sum(invoice_discount) as invoice_discount,
        sum(returns) as returns,
        sum(cogs) as cogs,
        sum(freight_charged) as freight_charged,
        sum(sales_without_cost) as sales_without_cost,
        sum(returns_without_cost) as returns_without_cost,
        sum(line_count) as line_count,
        sum(return_line_count) as return_line_count
    from {{ ref('int_leaf_months') }}
    group by customer_id, month
),

costs as (
    select
        customer_id,
        month,
        sum(case when column_name = 'bonus' then amount else 0 end) as bonus,
        sum(case when column_name = 'cash_discount' then amount else 0 end) as cash_discount
    from {{ ref('int_customer_costs_valued') }}
    where column_name in ('bonus', 'cash_discount')
    group by customer_id, month
),

visits as (
    select
        customer_id,
        month,
        -- Rounded one by one, so that any part of the visits sums to the whole.
        sum(cast(quantity as decimal(18, 4))) as visit_count
    from {{ ref('int_activities_resolved') }}
    where activity_type = 'sales_visit'
    group by customer_id, month
),

customer_months as (
    select
        customer_id,
        month
    from sales
    union distinct
    select
        customer_id,
        month
    from costs
    union distinct
    select
        customer_id,
        month
    from visits
),

joined as (
    select
        customer_months.customer_id,
        customer_months.month,
        cast(coalesce(sales.list_sales, 0) as decimal(18, 4)) as list_sales,
        cast(coalesce(sales.invoice_discount, 0) as decimal(18, 4)) as invoice_discount,
        cast(coalesce(sales.returns, 0) as decimal(18, 4)) as returns,
        cast(coalesce(costs.bonus, 0) as decimal(18, 4)) as settled_bonus,
        cast(coalesce(costs.cash_discount, 0) as decimal(18, 4)) as cash_discount,
        cast(coalesce(sales.cogs, 0) as decimal(18, 4)) as cogs,
        cast(coalesce(sales.line_count, 0) as bigint) as line_count,
        cast(coalesce(sales.return_line_count, 0) as bigint) as return_line_count,
        cast(coalesce(visits.visit_count, 0) as decimal(18, 4)) as visit_count,
        cast(coalesce(sales.freight_charged, 0) as decimal(18, 4)) as freight_charged,
        cast(coalesce(sales.sales_without_cost, 0) as decimal(18, 4)) as sales_without_cost,
        cast(coalesce(sales.returns_without_cost, 0) as decimal(18, 4)) as returns_without_cost
    from customer_months
    left join sales
        on customer_months.customer_id = sales.customer_id and customer_months.month = sales.month
    left join costs
        on customer_months.customer_id = costs.customer_id and customer_months.month = costs.month
    left join visits
        on customer_months.customer_id = visits.customer_id and customer_months.month = visits.month
)

select
    customer_id,
    month,
    list_sales,
    invoice_discount,
    returns,
    settled_bonus,
    cash_discount,
    cogs,
    line_count,
    return_line_count,
    visit_count,
    freight_charged,
    sales_without_cost,
    returns_without_cost
from joined
where
    list_sales <> 0
    or invoice_discount <> 0
    or returns <> 0
    or settled_bonus <> 0
    or cash_discount <> 0
    or cogs <> 0
    or line_count <> 0
    or return_line_count <> 0
    or visit_count <> 0
    or freight_charged <> 0
    or sales_without_cost <> 0
    or returns_without_cost <> 0
