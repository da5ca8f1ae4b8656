{# Fails for each scope of segments that does not count the customers whom customer_segments has in it, of those with an
   account in the window or in the one it is compared with; and for each that names another version of the rules than
   these customers were classed by, or not the change of the rules between the ends that it compares. #}
{% macro scope_windows__say_whom_they_count() -%}
with versions as (
    select
        month,
        max(rule_version) as rule_version
    from {{ ref('customer_segments') }}
    group by month
),

-- The month that the year opened with is the last one before it.
windows as (
    select
        windows.month,
        windows.time_window,
        windows.first_month,
        windows.compared_first_month,
        windows.compared_last_month,
        now.rule_version,
        opening.rule_version as opening_rule_version,
        compared.rule_version as compared_rule_version
    from {{ ref('time_windows') }} as windows
    inner join {{ ref('months') }} as months
        on windows.month = months.month
    left join versions as now
        on windows.month = now.month
    left join versions as opening
        on {{ add_months('windows.month', '-months.fiscal_month') }} = opening.month
    left join versions as compared
        on windows.compared_last_month = compared.month
),

members as (
    select distinct
        windows.month,
        windows.time_window,
        accounts.customer_id
    from windows
    inner join {{ ref('customer_accounts') }} as accounts
        on
            (windows.first_month <= accounts.month and windows.month >= accounts.month)
            or (windows.compared_first_month <= accounts.month and windows.compared_last_month >= accounts.month)
),

counted as (
    {%- for scope_type, column in [('segment', 'segment'), ('segment_opening', 'opening_segment')] %}
    select
        '{{ scope_type }}' as scope_type,
        segments.{{ column }} as scope_id,
        members.month,
        members.time_window,
        count(*) as scope_customers
    from members
    inner join {{ ref('customer_segments') }} as segments
        on members.customer_id = segments.customer_id and members.month = segments.month
    group by segments.{{ column }}, members.month, members.time_window
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

scopes as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        scope_customers,
        rule_version,
        is_rule_change
    from {{ ref('scope_windows') }}
    where scope_type in ({{ quoted(segment_scope_types()) }})
)

select
    coalesce(scopes.scope_type, counted.scope_type) as scope_type,
    coalesce(scopes.scope_id, counted.scope_id) as scope_id,
    coalesce(scopes.month, counted.month) as month,
    coalesce(scopes.time_window, counted.time_window) as time_window,
    counted.scope_customers,
    scopes.scope_customers as customers_shown,
    scopes.rule_version,
    scopes.is_rule_change
from scopes
full join counted
    on
        scopes.scope_type = counted.scope_type
        and scopes.scope_id = counted.scope_id
        and scopes.month = counted.month
        and scopes.time_window = counted.time_window
left join windows
    on scopes.month = windows.month and scopes.time_window = windows.time_window
where
    -- Of salespeople within a segment the customers add up to the salesperson's, which another rule says.
    (
        coalesce(scopes.scope_type, counted.scope_type) is distinct from 'salesperson_segment'
        and scopes.scope_customers is distinct from counted.scope_customers
    )
    or (
        scopes.scope_type is not null
        and (
            scopes.rule_version is distinct from case
                when scopes.scope_type = 'segment' then windows.rule_version else windows.opening_rule_version
            end
            or scopes.is_rule_change is distinct from case
                when
                    windows.compared_rule_version is not null
                    and windows.rule_version is distinct from windows.compared_rule_version
                    then true
                when
                    scopes.scope_type is distinct from 'segment'
                    and windows.opening_rule_version is not null
                    and windows.rule_version is distinct from windows.opening_rule_version
                    then true
                when windows.compared_rule_version is not null then false
                when
                    scopes.scope_type is distinct from 'segment'
                    and windows.opening_rule_version is not null
                    then false
            end
        )
    )
{%- endmacro %}
