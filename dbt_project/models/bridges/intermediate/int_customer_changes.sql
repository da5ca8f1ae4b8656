-- What became of each customer between two windows: new, lost or active in both, and whether the same people owned the
-- customer all the time. Amounts belong in the bridges.
with spans as (
    select
        customers.customer_id,
        customers.month,
        customers.time_window,
        owners.salesperson_id,
        max(owners.share) as most_share
    from {{ ref('int_customer_windows') }} as customers
    inner join {{ ref('time_windows') }} as windows
        on customers.month = windows.month and customers.time_window = windows.time_window
    inner join {{ ref('int_owner_spans') }} as owners
        on
            customers.customer_id = owners.customer_id
            and {{ last_day_of('windows.month') }} >= owners.span_from
            and {{ first_day_of('windows.compared_first_month') }} < owners.span_before
            -- Days between the two windows do not count.
            and (
                {{ last_day_of('windows.compared_last_month') }} >= owners.span_from
                or {{ first_day_of('windows.first_month') }} < owners.span_before
            )
    group by customers.customer_id, customers.month, customers.time_window, owners.salesperson_id
),

owned as (
    select
        customer_id,
        month,
        time_window,
        -- The shares of each span sum to 1. So do everyone's largest ones only when nobody ever had less.
        sum(most_share) = 1 as has_same_owners
    from spans
    group by customer_id, month, time_window
)

select
    customers.customer_id,
    customers.month,
    customers.time_window,
    case
        when customers.compared_order_count = 0 and customers.order_count > 0 then 'new'
        when customers.compared_order_count > 0 and customers.order_count = 0 then 'lost'
        else 'retained'
    end as change,
    owned.has_same_owners
from {{ ref('int_customer_windows') }} as customers
inner join owned
    on
        customers.customer_id = owned.customer_id
        and customers.month = owned.month
        and customers.time_window = owned.time_window
