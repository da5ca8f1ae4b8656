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
),

-- Whom a customer has above it. One that the list lacks, the door has refused, and its own number means none.
parents as (
    select
        customers.customer_id,
        customers.parent_customer_id
    from {{ ref('stg_customers') }} as customers
    inner join {{ ref('stg_customers') }} as listed
        on customers.parent_customer_id = listed.customer_id
    where customers.parent_customer_id <> customers.customer_id
),

-- Level by level, since not every warehouse follows a list to its end by itself; the door has refused more levels.
chain_ids as (
    select
        level_0.customer_id,
        coalesce(
            {%- for level in chain_levels() | reverse %}
            level_{{ level }}.parent_customer_id,
            {%- endfor %}
            level_0.customer_id
        ) as chain_id
    from customer_ids as level_0
    left join parents as level_1
        on level_0.customer_id = level_1.customer_id
    {%- for level in chain_levels()[1:] %}
    left join parents as level_{{ level }}
        on level_{{ level - 1 }}.parent_customer_id = level_{{ level }}.customer_id
    {%- endfor %}
),

chain_sizes as (
    select
        chain_id,
        count(distinct customer_id) as chain_customers
    from chain_ids
    group by chain_id
),

named as (
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
        chain_ids.chain_id,
        chain_sizes.chain_customers,
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
    inner join chain_ids
        on customer_ids.customer_id = chain_ids.customer_id
    inner join chain_sizes
        on chain_ids.chain_id = chain_sizes.chain_id
    cross join supplied
    left join {{ ref('stg_customers') }} as customers
        on customer_ids.customer_id = customers.customer_id
)

select
    named.customer_id,
    named.customer_name,
    named.parent_customer_id,
    named.chain_id,
    tops.customer_name as chain_name,
    cast(named.chain_customers as bigint) as chain_customers,
    named.cvr_number,
    named.country_code,
    named.industry,
    named.customer_group,
    named.payment_terms_days,
    named.customer_since,
    named.is_internal,
    named.is_unknown,
    named.is_in_list
from named
inner join named as tops
    on named.chain_id = tops.customer_id
