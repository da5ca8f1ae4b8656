-- Which groups a customer belongs to, as far as the rules of cost pools may ask. The rules themselves are read in
-- the macro is_in_group.
with company_period as (
    select first_month
    from {{ ref('int_account_period') }}
),

first_sales as (
    select
        customer_id,
        min(month) as first_month
    from {{ ref('int_leaf_months') }}
    group by customer_id
)

select
    customers.customer_id,
    customers.customer_group,
    customers.industry,
    customers.country_code,
    -- New is the month of the first purchase. Whether a customer bought before the accounts begin, customer_since
    -- tells; without it, whoever buys in their first month may have.
    case
        when
            case
                when customers.customer_since is null then first_sales.first_month > company_period.first_month
                else {{ month_floor('customers.customer_since') }} >= company_period.first_month
            end
            then first_sales.first_month
    end as new_in_month
from {{ ref('customers') }} as customers
cross join company_period
left join first_sales
    on customers.customer_id = first_sales.customer_id
