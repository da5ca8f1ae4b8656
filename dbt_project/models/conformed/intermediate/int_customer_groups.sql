-- Which groups a customer belongs to besides its segment, as far as rules may ask: those of the customer list, and the
-- new ones. The one home of who is new, for segments, cost pools and counts of new customers; who is new between two
-- windows of a bridge is another matter: it compares those alone. How rules name a group: macro is_in_group.
with first_orders as (
    select
        customer_id,
        min(month) as first_order_month
    from {{ ref('int_customer_orders') }}
    where line_count > 0
    group by customer_id
)

select
    customers.customer_id,
    customers.customer_group,
    customers.industry,
    customers.country_code,
    -- Nobody is outside all chains where there are none.
    case
        when max(customers.chain_customers) over () > 1
            then case when customers.chain_customers > 1 then customers.chain_id else {{ no_chain() }} end
    end as chain,
    first_orders.first_order_month,
    -- Whether a customer bought before the accounts begin, customer_since tells; without it, whoever orders in their
    -- first month may have.
    case
        when
            case
                when customers.customer_since is null then first_orders.first_order_month > period.first_month
                else {{ period_of('customers.customer_since') }} >= period.first_month
            end
            then first_orders.first_order_month
    end as new_in_month
from {{ ref('customers') }} as customers
cross join {{ ref('int_account_period') }} as period
left join first_orders
    on customers.customer_id = first_orders.customer_id
