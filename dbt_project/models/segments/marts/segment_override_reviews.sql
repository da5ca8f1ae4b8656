-- The sales team's decisions on segments, each with what the rules say now and whether it is due for review. Which
-- segment is in effect belongs in customer_segments.
with as_of as (
    select
        month,
        {{ last_day_of('month') }} as today,
        {{ last_day_of(add_months('month', '3')) }} as quarter_ahead
    from (
        select max(month) as month
        from {{ ref('time_windows') }}
    ) as last_window
),

-- What the rules say of each customer or chain, as one row.
calculated as (
    select
        segments.classed_id,
        max(segments.calculated_segment) as calculated_segment
    from {{ ref('customer_segments') }} as segments
    inner join as_of
        on segments.month = as_of.month
    group by segments.classed_id
),

decisions as (
    select
        decisions.customer_id,
        decisions.decided_on,
        decisions.segment as override_segment,
        decisions.reason,
        decisions.decided_by,
        decisions.valid_to,
        calculated.calculated_segment,
        as_of.today,
        as_of.quarter_ahead,
        decisions.decided_before <= as_of.today as is_replaced,
        coalesce(decisions.valid_to < as_of.today, false) as is_expired,
        decisions.decided_on > as_of.today as is_ahead
    from {{ ref('int_segment_decisions') }} as decisions
    cross join as_of
    left join calculated
        on decisions.customer_id = calculated.classed_id
),

reviewed as (
    select
        customer_id,
        decided_on,
        override_segment,
        calculated_segment,
        reason,
        decided_by,
        valid_to,
        case
            when is_ahead then 'ahead'
            when is_replaced then 'replaced'
            when is_expired then 'expired'
            else 'in_force'
        end as status,
        today,
        quarter_ahead
    from decisions
)

select
    customer_id,
    decided_on,
    override_segment,
    calculated_segment,
    reason,
    decided_by,
    valid_to,
    status,
    -- A quarter before it ends, when the rules have come to say the same, and after a year without an end.
    case
        when status = 'in_force' and override_segment = calculated_segment then 'same_as_calculated'
        when status = 'in_force' and valid_to <= quarter_ahead then 'ends_soon'
        when status = 'in_force' and valid_to is null and decided_on < {{ add_months('today', '-12') }} then 'no_end'
    end as review_reason,
    status = 'in_force'
    and (
        coalesce(override_segment = calculated_segment, false)
        or coalesce(valid_to <= quarter_ahead, false)
        or (valid_to is null and decided_on < {{ add_months('today', '-12') }})
    ) as is_due_for_review
from reviewed
