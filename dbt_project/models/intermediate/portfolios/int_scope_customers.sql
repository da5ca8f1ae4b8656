-- Which customers each scope has in a window, the same ones now and then: the company; segments as at the opening of
-- the year; salespeople as they own the customers at the end of the window; and of those the customers that had the
-- same owners all the time and are neither new nor lost (own_portfolio). How a scope's figures are summed belongs
-- elsewhere.
with compared as (
    select
        customers.customer_id,
        customers.month,
        customers.time_window
    from {{ ref('int_customer_windows') }} as customers
    inner join {{ ref('time_windows') }} as windows
        on
            customers.month = windows.month
            and customers.time_window = windows.time_window
            and windows.compared_first_month is not null
),

owned as (
    select
        compared.customer_id,
        compared.month,
        compared.time_window,
        owners.salesperson_id,
        owners.share,
        owners.share_through
    from compared
    inner join {{ ref('int_owner_spans') }} as owners
        on
            compared.customer_id = owners.customer_id
            and last_day(compared.month) >= owners.span_from
            and last_day(compared.month) < owners.span_before
)

select
    'company' as scope_type,
    'company' as scope_id,
    customer_id,
    month,
    time_window,
    cast(1 as decimal(18, 8)) as share,
    cast(1 as decimal(18, 8)) as share_through
from compared
union all
select
    'customer' as scope_type,
    customer_id as scope_id,
    customer_id,
    month,
    time_window,
    cast(1 as decimal(18, 8)) as share,
    cast(1 as decimal(18, 8)) as share_through
from compared
union all
select
    'segment' as scope_type,
    segments.opening_segment as scope_id,
    compared.customer_id,
    compared.month,
    compared.time_window,
    cast(1 as decimal(18, 8)) as share,
    cast(1 as decimal(18, 8)) as share_through
from compared
inner join {{ ref('customer_segments') }} as segments
    on compared.customer_id = segments.customer_id and compared.month = segments.month
union all
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
