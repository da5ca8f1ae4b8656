{# Chains: customers with a common customer at the top. Which one that is, customers.sql decides. #}

{# How many levels of parents are followed; the door refuses more. #}
{% macro chain_levels() -%}
    {{ return([1, 2, 3, 4, 5]) }}
{%- endmacro %}

{# What stands in place of the chain of all customers who are in none. #}
{% macro no_chain() -%}
    '(uden kæde)'
{%- endmacro %}

{# For rules: the chain that a customer counts in, as customers has it.
   customers: alias of customers. #}
{% macro chain_in(customers) -%}
    case when {{ customers }}.chain_customers > 1 then {{ customers }}.chain_id else {{ no_chain() }} end
{%- endmacro %}

{# For rules: one row per scope type that has to sum to the company; chains where there are any.
   scope_types: list of the others. #}
{% macro level_names(scope_types) -%}
    {%- for scope_type in scope_types %}
    select '{{ scope_type }}' as scope_type
    union all
    {%- endfor %}
    select distinct 'chain' as scope_type
    from {{ ref('customers') }}
    where chain_customers > 1
{%- endmacro %}
