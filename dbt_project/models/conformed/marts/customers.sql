-- Every customer that the company supplies or that has a record in the account, and always the unknown one. One that
-- the company's own list lacks keeps its number, and says so where its name would stand.
with supplied as (
    {{ supplied_feeds(['customers']) }}
),

customer_ids as (
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
    case
        when
            supplied.customers_supplied = 1
            and customers.customer_id is null
            and customer_ids.customer_id <> {{ unknown_id() }}
            then {{ name_of_unlisted_customer() }}
        else coalesce(customers.customer_name, customer_ids.customer_id)
    end as customer_name,
    customers.parent_customer_id,
    customers.cvr_number,
    customers.country_code,
    customers.industry,
    customers.customer_group,
    customers.payment_terms_days,
    customers.customer_since,
    coalesce(customers.is_internal, false) as is_internal,
    customer_ids.customer_id = {{ unknown_id() }} as is_unknown,
    -- Where there is no list, no number is lacking in it.
    customers.customer_id is not null
    or (supplied.customers_supplied = 0 and customer_ids.customer_id <> {{ unknown_id() }}) as is_in_list
from customer_ids
cross join supplied
left join {{ ref('stg_customers') }} as customers
    on customer_ids.customer_id = customers.customer_id
