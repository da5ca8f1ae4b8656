-- Fails for each customer of a posting that the dimension lacks, and when it has no row for the unknown one.
{{ config(meta={'dagster': {'ref': {'name': 'customers'}}}) }}

with needed as (
    select customer_id from {{ ref('postings') }}
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
