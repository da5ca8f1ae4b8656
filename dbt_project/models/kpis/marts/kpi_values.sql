-- Every KPI that the company uses, of every scope over every window, with the year before and the target: a view
-- over scope_windows, for what is stored grows with scopes and windows, and not with KPIs. Formulas belong in
-- kpi_formulas, names in kpi_register.
{{ config(materialized='view') }}

with kpis as (
    select
        register.direction,
        terms.*
    from {{ ref('kpi_register') }} as register
    inner join {{ ref('kpi_terms') }} as terms
        on register.kpi_id = terms.kpi_id
    where register.is_in_use
),

parts as (
    select
        kpis.kpi_id,
        kpis.is_sum,
        kpis.direction,
        scopes.scope_type,
        scopes.scope_id,
        scopes.month,
        scopes.time_window,
        scopes.salesperson_id,
        scopes.segment,
        scopes.scope_customers,
        scopes.rule_version,
        scopes.is_rule_change,
        windows.first_month,
        windows.month_count,
        windows.is_complete,
        windows.compared_first_month is not null as is_compared,
        {{ kpi_part('numerator', 'kpis', 'scopes.') }} as numerator,
        {{ kpi_part('denominator', 'kpis', 'scopes.') }} as denominator,
        {{ kpi_part('numerator', 'kpis', 'scopes.compared_') }} as compared_numerator,
        {{ kpi_part('denominator', 'kpis', 'scopes.compared_') }} as compared_denominator,
        case
            when windows.compared_first_month is not null
                then scopes.net_sales > scopes.compared_net_sales and scopes.db3 < scopes.compared_db3
        end as is_revenue_up_db_down
    from {{ ref('scope_windows') }} as scopes
    inner join {{ ref('time_windows') }} as windows
        on scopes.month = windows.month and scopes.time_window = windows.time_window
    cross join kpis
    where scopes.time_window in ('month', 'ytd', 'r12')
),

computed as (
    select
        kpi_id,
        is_sum,
        direction,
        scope_type,
        scope_id,
        month,
        time_window,
        salesperson_id,
        segment,
        scope_customers,
        rule_version,
        is_rule_change,
        first_month,
        month_count,
        is_complete,
        is_revenue_up_db_down,
        numerator,
        denominator,
        {{ kpi_value('is_sum', 'numerator', 'denominator') }} as value,
        case when is_compared then {{ kpi_value('is_sum', 'compared_numerator', 'compared_denominator') }} end
            as prior_year_value
    from parts
),

targeted as (
    select
        computed.kpi_id,
        computed.scope_type,
        computed.scope_id,
        computed.month,
        computed.time_window,
        computed.salesperson_id,
        computed.segment,
        computed.scope_customers,
        computed.rule_version,
        computed.is_rule_change,
        computed.direction,
        computed.month_count,
        computed.is_complete,
        computed.is_revenue_up_db_down,
        computed.numerator,
        computed.denominator,
        computed.value,
        computed.prior_year_value,
        -- A sum is a target for the whole period, a ratio for every window that ends in it.
        case
            when targets.is_sum
                then {{ part_by_months('targets.target_value', 'computed.month_count', 'targets.month_count') }}
            else cast(targets.target_value as decimal(18, 6))
        end as target
    from computed
    left join {{ ref('kpi_targets') }} as targets
        on
            computed.kpi_id = targets.kpi_id
            and computed.scope_type = targets.scope_type
            and computed.scope_id = targets.scope_id
            and computed.month >= targets.month_from
            and computed.month <= targets.last_month
            and (
                not targets.is_sum
                or (computed.first_month >= targets.month_from and targets.month_to is not null)
            )
)

select
    kpi_id,
    scope_type,
    scope_id,
    month,
    time_window,
    salesperson_id,
    segment,
    scope_customers,
    numerator,
    denominator,
    value,
    prior_year_value,
    cast(value - prior_year_value as decimal(18, 6)) as change,
    target,
    case
        when direction = 'up' then {{ value_ratio('value', 'target') }}
        else {{ value_ratio('target', 'value') }}
    end as attainment,
    case when direction = 'up' then value >= target else value <= target end as is_target_met,
    is_revenue_up_db_down,
    rule_version,
    is_rule_change,
    month_count,
    is_complete
from targeted
