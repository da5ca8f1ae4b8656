{# Fails for each customer that neither the company's list nor any record as it was supplied has: a model made it up. #}
{% macro customers__hold_nobody_without_a_record() -%}
with carried as (
    select customer_id from {{ ref('stg_customers') }}
    {%- for model in [
        'int_sales_lines_valued', 'int_customer_costs_valued', 'int_activities_resolved', 'int_receivables_resolved',
        'int_adjustments_valued',
    ] %}
    union distinct
    select carried_customer_id as customer_id from {{ ref(model) }}
    {%- endfor %}
    union distinct
    select {{ unknown_id() }} as customer_id
)

select customers.customer_id
from {{ ref('customers') }} as customers
left join carried
    on customers.customer_id = carried.customer_id
where carried.customer_id is null
{%- endmacro %}
