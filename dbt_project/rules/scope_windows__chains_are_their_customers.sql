{# Fails for each chain, and for the rest of the customers, that does not have what its customers have together, and for
   each that only one of the two has: every measure, now and then, to the last digit. A company without chains has no
   rest. #}
{% macro scope_windows__chains_are_their_customers() -%}
{%- set measures = account_measures() + customer_base_measures() %}
with any_chain as (
    select max(chain_customers) as largest
    from {{ ref('customers') }}
),

parts as (
    select
        {{ chain_in('customers') }} as scope_id,
        scopes.month,
        scopes.time_window,
        sum(scopes.scope_customers) as scope_customers,
        {{ each('sum(scopes.{}) as {}, sum(scopes.compared_{}) as compared_{}', measures) }},
        {{ each('sum(scopes.{}) as {}', rate_measures()) }}
    from {{ ref('scope_windows') }} as scopes
    inner join {{ ref('customers') }} as customers
        on scopes.scope_id = customers.customer_id
    cross join any_chain
    where scopes.scope_type = 'customer' and any_chain.largest > 1
    group by {{ chain_in('customers') }}, scopes.month, scopes.time_window
),

wholes as (
    select *
    from {{ ref('scope_windows') }}
    where scope_type = 'chain'
)

select
    coalesce(wholes.scope_id, parts.scope_id) as scope_id,
    coalesce(wholes.month, parts.month) as month,
    coalesce(wholes.time_window, parts.time_window) as time_window,
    wholes.net_sales,
    parts.net_sales as net_sales_of_customers,
    wholes.db3,
    parts.db3 as db3_of_customers
from wholes
full join parts
    on
        wholes.scope_id = parts.scope_id
        and wholes.month = parts.month
        and wholes.time_window = parts.time_window
where
    wholes.scope_customers is distinct from parts.scope_customers
    or {{ each('wholes.{} is distinct from parts.{}', measures, ' or ') }}
    or {{ each(
        'wholes.compared_{} is distinct from parts.compared_{}',
        measures | reject('equalto', 'lost_customer_count') | list, ' or '
    ) }}
    or {{ each('wholes.{} is distinct from parts.{}', rate_measures(), ' or ') }}
{%- endmacro %}
