-- Every customer that the company supplies or that has a record in the account, and always the unknown one.
with customer_ids as (
    select customer_id from {{ ref('stg_customers') }}
    union distinct
    select customer_id from {{ ref('int_leaf_months') }}
    union distinct
    select customer_id from {{ ref('int_customer_costs_valued') }}
    union distinct
    select customer_id from {{ ref('int_activities_resolved') }}
    union distinct
    select customer_id from {{ ref('int_receivables_resolved') }}
    union distinct
    select customer_id from {{ ref('int_adjustments_valued') }}
    union distinct
    select {{ unknown_id() }} as customer_id
)

select
    customer_ids.customer_id,
    coalesce(customers.customer_name, customer_ids.customer_id) as customer_name,
    customers.parent_customer_id,
    customers.cvr_number,
    customers.country_code,
    customers.industry,
    customers.customer_group,
    customers.payment_terms_days,
    customers.customer_since,
    coalesce(customers.is_internal, false) as is_internal,
    customer_ids.customer_id = {{ unknown_id() }} as is_unknown
from customer_ids
left join {{ ref('stg_customers') }} as customers
    on customer_ids.customer_id = customers.customer_id
