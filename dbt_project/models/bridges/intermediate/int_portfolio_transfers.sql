-- What a customer's DB III of the earlier window comes to for each of the owners in the window of now: what handing the
-- customer over is worth, so that giver and receiver agree on it. Only customers whose owners changed.
with owned_days as (
    select
        changes.customer_id,
        changes.month,
        changes.time_window,
        owners.salesperson_id,
        cast(
            sum(
                owners.share * 100000000 * {{ days_between(
                    'greatest(owners.span_from, ' ~ first_day_of('windows.first_month') ~ ')',
                    'least(owners.span_before, ' ~ last_day_of('windows.month') ~ ' + 1)'
                ) }}
            ) as bigint
        ) as weight
    from {{ ref('int_customer_changes') }} as changes
    inner join {{ ref('time_windows') }} as windows
        on changes.month = windows.month and changes.time_window = windows.time_window
    inner join {{ ref('int_owner_spans') }} as owners
        on
            changes.customer_id = owners.customer_id
            and {{ last_day_of('windows.month') }} >= owners.span_from
            and {{ first_day_of('windows.first_month') }} < owners.span_before
    where changes.change = 'retained' and not changes.has_same_owners
    group by changes.customer_id, changes.month, changes.time_window, owners.salesperson_id
),

weighed as (
    select
        owned_days.customer_id,
        owned_days.month,
        owned_days.time_window,
        owned_days.salesperson_id,
        cast({{ money_units('customers.compared_db3') }} as decimal(19, 0)) as units,
        cast(owned_days.weight as decimal(19, 0)) as weight,
        cast(sum(owned_days.weight) over (
            partition by owned_days.customer_id, owned_days.month, owned_days.time_window
            order by owned_days.salesperson_id asc nulls last
            rows between unbounded preceding and current row
        ) as decimal(19, 0)) as weight_through,
        cast(sum(owned_days.weight) over (
            partition by owned_days.customer_id, owned_days.month, owned_days.time_window
        ) as decimal(19, 0)) as whole_weight
    from owned_days
    inner join {{ ref('int_customer_windows') }} as customers
        on
            owned_days.customer_id = customers.customer_id
            and owned_days.month = customers.month
            and owned_days.time_window = customers.time_window
)

select
    customer_id,
    month,
    time_window,
    salesperson_id,
    -- What the owners so far have, rounded, less what those before had: the parts sum to the whole exactly.
    cast(
        (
            {{ div_half_up('(units * weight_through)', 'whole_weight') }}
            - {{ div_half_up('(units * (weight_through - weight))', 'whole_weight') }}
        ) * cast(0.0001 as decimal(5, 4)) as decimal(18, 4)
    ) as opening_db3_now_owned
from weighed
