{# Fails for each customer whose stake is not what it leaves and what its actions are worth, or whose stake per hour is
   not that over the hours of its plan, and for each who is owed visits and stands behind somebody with less at stake
   per hour, or with no visits owed, on the same list. #}
{% macro sales_effort__weighs_what_is_at_stake() -%}
with actions as (
    select
        customer_id,
        month,
        sum(worth) as worth
    from {{ ref('customer_actions') }}
    where driver is distinct from 'sales_effort'
    group by customer_id, month
),

listed as (
    select
        effort.customer_id,
        effort.month,
        effort.at_stake,
        effort.at_stake_per_hour,
        effort.planned_hours,
        greatest(effort.db3, 0) + coalesce(actions.worth, 0) as expected_stake,
        effort.remaining_visits > 0 as is_owed,
        max(case when effort.remaining_visits > 0 then 1 else 0 end) over later_ones as is_owed_later,
        max(case when effort.remaining_visits > 0 then effort.at_stake_per_hour end) over later_ones as more_later
    from {{ ref('sales_effort') }} as effort
    left join actions
        on effort.customer_id = actions.customer_id and effort.month = actions.month
    window later_ones as (
        partition by effort.salesperson_id, effort.month
        -- Two of one rank are no matter here.
        order by
            effort.priority_rank asc nulls last,
            case when effort.remaining_visits > 0 then 0 else 1 end asc nulls last,
            effort.at_stake_per_hour desc nulls last
        rows between 1 following and unbounded following
    )
)

select
    customer_id,
    month,
    at_stake,
    expected_stake,
    at_stake_per_hour,
    more_later
from listed
where
    at_stake is distinct from expected_stake
    or (at_stake_per_hour is null) is distinct from coalesce(planned_hours <= 0, true)
    -- Half of the last digit of the quotient, times the hours.
    or abs(at_stake_per_hour * planned_hours - at_stake) > planned_hours * 0.0001
    or (not coalesce(is_owed, false) and is_owed_later = 1)
    or (is_owed and coalesce(at_stake_per_hour, 0) < more_later)
{%- endmacro %}
