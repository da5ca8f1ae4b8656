{# Fails for each chain, and for the rest of the customers, and month that does not have what the accounts of its
   customers have together, and for each that only one of the two has. A company without chains has no rest. #}
{% macro chain_accounts__sum_to_customer_accounts() -%}
{%- set measures = ladder_measures() + count_measures() %}
with any_chain as (
    select max(chain_customers) as largest
    from {{ ref('customers') }}
),

parts as (
    select
        {{ chain_in('customers') }} as chain_id,
        accounts.month,
        {{ each('sum(accounts.{}) as {}', measures) }}
    from {{ ref('customer_accounts') }} as accounts
    inner join {{ ref('customers') }} as customers
        on accounts.customer_id = customers.customer_id
    cross join any_chain
    where any_chain.largest > 1
    group by {{ chain_in('customers') }}, accounts.month
)

select
    coalesce(chains.chain_id, parts.chain_id) as chain_id,
    coalesce(chains.month, parts.month) as month,
    chains.net_sales,
    parts.net_sales as net_sales_of_customers,
    chains.db3,
    parts.db3 as db3_of_customers
from {{ ref('chain_accounts') }} as chains
full join parts
    on chains.chain_id = parts.chain_id and chains.month = parts.month
where {{ each('chains.{} is distinct from parts.{}', measures, ' or ') }}
{%- endmacro %}
