-- Where each customer was twelve months before and is now, for every month that has a month twelve earlier in the
-- accounts. Counts of moves belong in the marts.
with pairs as (
    select
        current_segments.customer_id,
        current_segments.month,
        current_segments.rule_version,
        opening.rule_version as opening_rule_version,
        -- Whom the rules never let in or out: they are customers of no sales work.
        current_segments.calculated_segment in ({{ unknown_id() }}, {{ internal_state() }}) as is_outside,
        opening.customer_id is null as is_entered,
        coalesce(
            opening.segment,
            case
                when current_segments.calculated_segment in ({{ unknown_id() }}, {{ internal_state() }})
                    then current_segments.calculated_segment
                else {{ new_state() }}
            end
        ) as from_segment,
        current_segments.segment as to_segment,
        current_segments.net_sales_r12 as net_sales,
        current_segments.db2_r12 as db2,
        -- Twelve months are compared with a whole window only; a customer who was not there had nothing.
        case
            when years.compared_first_month is not null then coalesce(opening.net_sales_r12, 0)
        end as opening_net_sales,
        case when years.compared_first_month is not null then coalesce(opening.db2_r12, 0) end as opening_db2
    from {{ ref('customer_segments') }} as current_segments
    inner join {{ ref('time_windows') }} as months
        on
            current_segments.month = months.month
            and months.time_window = 'month'
            and months.compared_first_month is not null
    inner join {{ ref('time_windows') }} as years
        on current_segments.month = years.month and years.time_window = 'r12'
    left join {{ ref('customer_segments') }} as opening
        on
            current_segments.customer_id = opening.customer_id
            and months.compared_first_month = opening.month
),

stepped as (
    select
        pairs.customer_id,
        pairs.month,
        pairs.rule_version,
        pairs.opening_rule_version,
        pairs.is_outside,
        pairs.is_entered,
        pairs.from_segment,
        pairs.to_segment,
        {{ is_classed('pairs.from_segment') }} as was_classed,
        {{ is_classed('pairs.to_segment') }} as is_classed,
        pairs.net_sales,
        pairs.db2,
        pairs.opening_net_sales,
        pairs.opening_db2,
        from_codes.steps_from_best as from_steps,
        to_codes.steps_from_best as to_steps
    from pairs
    left join {{ ref('int_segment_codes') }} as from_codes
        on pairs.rule_version = from_codes.rule_version and pairs.from_segment = from_codes.segment
    left join {{ ref('int_segment_codes') }} as to_codes
        on pairs.rule_version = to_codes.rule_version and pairs.to_segment = to_codes.segment
)

select
    customer_id,
    month,
    rule_version,
    opening_rule_version,
    from_segment,
    to_segment,
    -- By the rules in force now. A segment that they do not know lies neither above nor below another.
    case
        when from_segment = to_segment then 'same'
        when was_classed and is_classed
            then case
                when to_steps < from_steps then 'up'
                when to_steps > from_steps then 'down'
                else 'sideways'
            end
        when was_classed or to_segment = {{ lost_state() }} then 'out'
        when is_classed or from_segment = {{ lost_state() }} then 'in'
        else 'sideways'
    end as direction,
    is_outside,
    is_entered,
    was_classed,
    is_classed,
    net_sales,
    db2,
    cast(opening_net_sales as decimal(18, 4)) as opening_net_sales,
    cast(opening_db2 as decimal(18, 4)) as opening_db2
from stepped
