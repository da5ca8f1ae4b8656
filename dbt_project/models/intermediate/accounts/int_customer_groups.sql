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
    -- New is the month of the first purchase. Whether a customer bought before the accounts begin, customer_since
    -- tells; without it, whoever buys in their first month may have.
    coalesce(
        active.month = first_sales.first_month
        and case
            when customers.customer_since is null then first_sales.first_month > company_period.first_month
            else {{ month_floor('customers.customer_since') }} >= company_period.first_month
        end,
        false
    ) as is_new
from active
cross join company_period
left join {{ ref('stg_customers') }} as customers
    on active.customer_id = customers.customer_id
left join first_sales
    on active.customer_id = first_sales.customer_id
