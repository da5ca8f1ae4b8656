-- Fails for each customer and month whose parts over all salespeople do not sum to the customer's account in
-- every column that adds up. Parts are by who owns the customer today.
{{ config(meta={'dagster': {'ref': {'name': 'current_portfolio_accounts'}}}) }}

with parts as (
    select
        {%- for column in account_measures() %}
        sum({{ column }}) as {{ column }},
        {%- endfor %}
        customer_id,
        month
    from {{ ref('current_portfolio_accounts') }}
    group by customer_id, month
)

select
    coalesce(parts.customer_id, accounts.customer_id) as customer_id,
    coalesce(parts.month, accounts.month) as month,
    parts.net_sales as net_sales_of_salespeople,
    accounts.net_sales,
    parts.db3 as db3_of_salespeople,
    accounts.db3
from parts
full join {{ ref('customer_accounts') }} as accounts
    on parts.customer_id = accounts.customer_id and parts.month = accounts.month
where
    parts.customer_id is null
    or accounts.customer_id is null
    {%- for column in account_measures() %}
    or parts.{{ column }} is distinct from accounts.{{ column }}
    {%- endfor %}
