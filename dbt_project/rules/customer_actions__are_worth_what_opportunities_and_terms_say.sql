{# Fails for each opportunity and each term beyond the concept that is worth more than its action, for each action that
   is worth more than both, and for each that is lacking while the customer's distance is not used up, or has a term
   with a price. #}
{% macro customer_actions__are_worth_what_opportunities_and_terms_say() -%}
with causes as (
    select
        customer_id,
        driver,
        0 as is_term,
        worth
    from {{ ref('driver_opportunities') }}
    where worth > 0
    union all
    select
        customer_id,
        case term
            when 'visits' then 'sales_effort'
            when 'minimum_order' then 'order_cost'
            when 'free_freight' then 'freight'
            when 'payment_days' then 'credit'
            else term
        end as driver,
        1 as is_term,
        worth
    from {{ ref('terms_beyond_concept') }}
    where worth > 0
),

expected as (
    select
        customer_id,
        driver,
        max(is_term) = 1 as is_term,
        max(worth) as worth
    from causes
    group by customer_id, driver
),

customers as (
    select
        customer_id,
        worth as distance
    from {{ ref('int_driver_benchmarks') }}
    where driver = 'db3' and worth > 0
),

told as (
    select
        customer_id,
        sum(worth) as worth
    from {{ ref('customer_actions') }}
    group by customer_id
)

select
    coalesce(expected.customer_id, actions.customer_id) as customer_id,
    coalesce(expected.driver, actions.driver) as driver,
    expected.worth as expected_worth,
    actions.raw_worth
from (
    select
        expected.customer_id,
        expected.driver,
        expected.is_term,
        expected.worth,
        customers.distance
    from expected
    inner join customers
        on expected.customer_id = customers.customer_id
) as expected
full join {{ ref('customer_actions') }} as actions
    on expected.customer_id = actions.customer_id and expected.driver = actions.driver
left join told
    on expected.customer_id = told.customer_id
where
    (actions.customer_id is not null and actions.raw_worth is distinct from expected.worth)
    or (actions.customer_id is null and (coalesce(told.worth, 0) < expected.distance or expected.is_term))
{%- endmacro %}
