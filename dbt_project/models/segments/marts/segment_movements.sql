-- How much the customers moved between segments within twelve months. Which segments they moved between belongs in
-- segment_migration. Customers inside the group and the unknown customer are not counted: nobody wins or loses them.
with moves as (
    select
        month,
        rule_version,
        opening_rule_version,
        direction,
        not is_entered and not from_segment = {{ lost_state() }} as was_customer,
        not to_segment = {{ lost_state() }} as is_customer,
        is_entered,
        was_classed and is_classed as is_retained
    from {{ ref('int_segment_moves') }}
    where not is_outside
),

counted as (
    select
        month,
        max(rule_version) as rule_version,
        max(opening_rule_version) as opening_rule_version,
        sum(case when was_customer then 1 else 0 end) as opening_customers,
        sum(case when is_customer then 1 else 0 end) as closing_customers,
        sum(case when is_retained then 1 else 0 end) as retained_customers,
        sum(case when is_retained and direction = 'same' then 1 else 0 end) as unmoved_customers,
        sum(case when is_retained and direction = 'up' then 1 else 0 end) as upgraded_customers,
        sum(case when is_retained and direction = 'down' then 1 else 0 end) as downgraded_customers,
        sum(case when is_entered and is_customer then 1 else 0 end) as new_customers,
        sum(case when was_customer and not is_customer then 1 else 0 end) as lost_customers,
        sum(case when not is_entered and not was_customer and is_customer then 1 else 0 end) as won_back_customers
    from moves
    group by month
)

select
    month,
    rule_version,
    opening_rule_version,
    -- Where the rules have changed in between, customers have moved who did nothing else than before.
    rule_version <> opening_rule_version as is_rule_change,
    cast(opening_customers as bigint) as opening_customers,
    cast(closing_customers as bigint) as closing_customers,
    cast(retained_customers as bigint) as retained_customers,
    cast(unmoved_customers as bigint) as unmoved_customers,
    cast(upgraded_customers as bigint) as upgraded_customers,
    cast(downgraded_customers as bigint) as downgraded_customers,
    cast(new_customers as bigint) as new_customers,
    cast(lost_customers as bigint) as lost_customers,
    cast(won_back_customers as bigint) as won_back_customers,
    {{ safe_ratio('unmoved_customers', 'retained_customers') }} as stability,
    {{ safe_ratio('(upgraded_customers - downgraded_customers)', 'retained_customers') }} as net_upgrade,
    {{ safe_ratio('lost_customers', 'opening_customers') }} as churn
from counted
