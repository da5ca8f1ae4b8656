-- Which groups a customer belongs to in a month, as far as the rules of cost pools may ask. The rules themselves are
-- read in the macro is_in_group.
with company_period as (
    select first_month
    from {{ ref('int_account_period') }}
),

first_sales as (
    select
        customer_id,
        min(month) as first_month
    from {{ ref('int_product_months') }}
    group by customer_id
),

active as (
    select distinct
        customer_id,
        month
    from {{ ref('int_customer_drivers') }}
)

select
    active.customer_id,
    active.month,
    customers.customer_group,
    customers.industry,
    customers.country_code,
    -- New is the month of the first purchase. A customer that buys in the accounts' first month may have bought
    -- before it, unless the company says since when it is a customer.
    coalesce(
        active.month = coalesce(
            {{ month_floor('customers.customer_since') }},
            case when first_sales.first_month > company_period.first_month then first_sales.first_month end
        ),
        false
    ) as is_new
from active
cross join company_period
left join {{ ref('stg_customers') }} as customers
    on active.customer_id = customers.customer_id
left join first_sales
    on active.customer_id = first_sales.customer_id
