{# Fails for each customer of a record in the account that the dimension lacks, and when it has no row for the
   unknown one. #}
{% macro customers__hold_the_unknown_customer_and_every_posted_one() -%}
with needed as (
    select customer_id
    from {{ ref('int_sales_lines_valued') }}
    where is_inside_account
    union distinct
    select customer_id from {{ ref('int_customer_costs_valued') }}
    union distinct
    select customer_id from {{ ref('int_activities_resolved') }}
    union distinct
    select customer_id from {{ ref('int_receivables_resolved') }}
    union distinct
    select customer_id from {{ ref('int_adjustments_valued') }}
    union distinct
    select customer_id from {{ ref('stg_customers') }}
    union distinct
    select {{ unknown_id() }} as customer_id
)

select needed.customer_id
from needed
left join {{ ref('customers') }} as customers
    on needed.customer_id = customers.customer_id
where customers.customer_id is null
{%- endmacro %}
