{# Fails for each month whose Pareto analysis does not hold the net sales that the company account has over the
   twelve months. #}
{% macro revenue_pareto__holds_the_companys_net_sales() -%}
with company as (
    select
        windows.month,
        sum(accounts.net_sales) as net_sales
    from {{ ref('time_windows') }} as windows
    inner join {{ ref('company_accounts') }} as accounts
        on windows.first_month <= accounts.month and windows.month >= accounts.month
    where windows.time_window = 'r12'
    group by windows.month
),

customers as (
    select
        month,
        sum(net_sales) as net_sales
    from {{ ref('revenue_pareto') }}
    group by month
)

select
    coalesce(company.month, customers.month) as month,
    company.net_sales as net_sales_of_the_company,
    customers.net_sales as net_sales_of_customers
from company
full join customers
    on company.month = customers.month
where company.month is null or company.net_sales is distinct from coalesce(customers.net_sales, 0)
{%- endmacro %}
