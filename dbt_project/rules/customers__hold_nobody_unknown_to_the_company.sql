{# Fails for each customer that is in no record of the customers feed, where the company supplies one: records of
   such a customer belong under the unknown one. #}
{% macro customers__hold_nobody_unknown_to_the_company() -%}
with supplied as (
    {{ supplied_feeds(['customers']) }}
)

select customers.customer_id
from {{ ref('customers') }} as customers
cross join supplied
left join {{ ref('stg_customers') }} as known
    on customers.customer_id = known.customer_id
where
    supplied.customers_supplied = 1
    and known.customer_id is null
    and customers.customer_id is distinct from {{ unknown_id() }}
{%- endmacro %}
