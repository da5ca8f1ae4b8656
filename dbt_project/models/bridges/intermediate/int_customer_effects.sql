-- What each customer's leaves of a kind come to in each bridged window and the one it is compared with. Units of
-- measure are told apart only where quantities compare. Scopes are summed in scope_effects.
with sums as (
    {{ leaf_sums() }}
),

changes as (
    {{ leaf_changes('sums') }}
),

classes as (
    select
        customer_id,
        month,
        time_window,
        case when class = 'comparable' then unit_of_measure else '' end as unit_of_measure,
        class,
        max(was_there) as was_there,
        max(is_there) as is_there,
        {{ each('sum({}) as {}', leaf_figures()) }}
    from changes
    group by customer_id, month, time_window, class, case when class = 'comparable' then unit_of_measure else '' end
)

select
    customer_id,
    month,
    time_window,
    unit_of_measure,
    {{ leaf_kind(
        'class',
        'max(was_there) over (partition by customer_id, month, time_window)',
        'max(is_there) over (partition by customer_id, month, time_window)',
    ) }} as kind,
    {{ each('cast(coalesce({}, 0) as decimal(18, {value})) as {}', leaf_figures()) }}
from classes
