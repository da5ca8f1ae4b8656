{# Fails for each chain and month of the whale curve of chains that does not have what its customers have in the
   rankings of customers, for each that only one of them has, and for every one where the company has no chains. #}
{% macro chain_whale_curve__holds_what_its_customers_have() -%}
with any_chain as (
    select max(chain_customers) as largest
    from {{ ref('customers') }}
),

parts as (
    select
        curve.month,
        members.chain_id,
        sum(curve.db3) as db3,
        sum(pareto.net_sales) as net_sales
    from {{ ref('whale_curve') }} as curve
    inner join {{ ref('revenue_pareto') }} as pareto
        on curve.month = pareto.month and curve.customer_id = pareto.customer_id
    inner join {{ ref('customers') }} as members
        on curve.customer_id = members.customer_id
    cross join any_chain
    where any_chain.largest > 1
    group by curve.month, members.chain_id
)

select
    coalesce(chains.month, parts.month) as month,
    coalesce(chains.chain_id, parts.chain_id) as chain_id,
    chains.db3,
    parts.db3 as db3_of_customers,
    chains.net_sales,
    parts.net_sales as net_sales_of_customers
from {{ ref('chain_whale_curve') }} as chains
full join parts
    on chains.month = parts.month and chains.chain_id = parts.chain_id
where
    chains.db3 is distinct from parts.db3
    or chains.net_sales is distinct from parts.net_sales
{%- endmacro %}
