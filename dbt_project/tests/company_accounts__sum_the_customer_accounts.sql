-- Fails for each month whose company account is not the sum of the customers' accounts.
{{ config(meta={'dagster': {'ref': {'name': 'company_accounts'}}}) }}

{%- set columns = [
    'list_sales', 'invoice_discount', 'invoiced_sales', 'returns', 'bonus', 'cash_discount', 'net_sales', 'cogs',
    'db1', 'freight', 'handling', 'other_direct', 'db2', 'order_cost', 'sales_effort_cost', 'credit_cost', 'db3',
    'sales_without_cost',
] %}

with customers as (
    select
        {%- for column in columns %}
        sum({{ column }}) as {{ column }},
        {%- endfor %}
        month
    from {{ ref('customer_accounts') }}
    group by month
)

select
    coalesce(company.month, customers.month) as month,
    company.db3 as db3_of_the_company,
    customers.db3 as db3_of_customers
from {{ ref('company_accounts') }} as company
full join customers
    on company.month = customers.month
where
    company.month is null
    {%- for column in columns %}
    or company.{{ column }} is distinct from coalesce(customers.{{ column }}, 0)
    {%- endfor %}
