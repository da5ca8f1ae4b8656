{# Fails for each customer that is not in the chain of whom it has above it, or, with nobody there, in its own; and for
   each that does not have as many customers in its chain as name it. #}
{% macro customers__chains_lead_to_the_top() -%}
with counted as (
    select
        chain_id,
        count(distinct customer_id) as chain_customers
    from {{ ref('customers') }}
    group by chain_id
)

select
    customers.customer_id,
    customers.parent_customer_id,
    customers.chain_id,
    parents.chain_id as chain_of_parent,
    customers.chain_customers
from {{ ref('customers') }} as customers
left join {{ ref('customers') }} as parents
    on customers.parent_customer_id = parents.customer_id and parents.is_in_list
left join counted
    on customers.chain_id = counted.chain_id
where
    customers.chain_id is distinct from coalesce(parents.chain_id, customers.customer_id)
    or customers.chain_customers is distinct from counted.chain_customers
{%- endmacro %}
