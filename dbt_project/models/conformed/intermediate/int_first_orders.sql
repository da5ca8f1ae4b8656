-- When each customer ordered first, and whether it was new then: the one home of that rule, for segments, cost pools
-- and counts of new customers. Who is new between two windows of a bridge is another matter: it compares those alone.
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
    first_orders.first_order_month,
    -- Whether a customer bought before the accounts begin, customer_since tells; without it, whoever orders in their
    -- first month may have.
    case
        when
            case
                when customers.customer_since is null then first_orders.first_order_month > period.first_month
                else {{ month_floor('customers.customer_since') }} >= period.first_month
            end
            then first_orders.first_order_month
    end as new_in_month
from first_orders
cross join {{ ref('int_account_period') }} as period
inner join {{ ref('customers') }} as customers
    on first_orders.customer_id = customers.customer_id
