-- Which customers each salesperson has in a bridged window, the same ones now and then: those owned at the end of the
-- window; and of those the customers that had the same owners all the time and are neither new nor lost
-- (own_portfolio). Scopes that share no customer need no table: see the macro scope_customers.
with owned as (
    select
        customers.customer_id,
        customers.month,
        customers.time_window,
        owners.salesperson_id,
        owners.share,
        owners.share_through
    from {{ ref('int_customer_windows') }} as customers
    inner join {{ ref('time_windows') }} as windows
        on
            customers.month = windows.month
            and customers.time_window = windows.time_window
            and windows.is_bridged
    inner join {{ ref('int_owner_spans') }} as owners
        on
            customers.customer_id = owners.customer_id
            and {{ last_day_of('customers.month') }} >= owners.span_from
            and {{ last_day_of('customers.month') }} < owners.span_before
)

select
    'salesperson' as scope_type,
    salesperson_id as scope_id,
    customer_id,
    month,
    time_window,
    share,
    share_through
from owned
union all
select
    'own_portfolio' as scope_type,
    owned.salesperson_id as scope_id,
    owned.customer_id,
    owned.month,
    owned.time_window,
    owned.share,
    owned.share_through
from owned
inner join {{ ref('int_customer_changes') }} as changes
    on
        owned.customer_id = changes.customer_id
        and owned.month = changes.month
        and owned.time_window = changes.time_window
        and changes.has_same_owners
        and changes.change = 'retained'
