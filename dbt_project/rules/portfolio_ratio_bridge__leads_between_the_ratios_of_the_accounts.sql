{# Fails for each scope and window whose bridge does not begin at the ratio of then and end at the ratio of now,
   as scope_windows has them, and for each without a bridge although it has both, and its customers' sales do not
   cancel out. A contribution of ten thousand times the sales is no ratio to explain. #}
{% macro portfolio_ratio_bridge__leads_between_the_ratios_of_the_accounts() -%}
{%- set levels = ['1', '2', '3'] %}

with scoped as (
    {{ ratio_bridge_customers() }}
),

-- Where customers' sales, contributions and ratios are of the size of the whole's, so is every component.
ordinary as (
    select
        scope_type,
        scope_id,
        month,
        time_window
    from scoped
    group by scope_type, scope_id, month, time_window
    having
        sum(abs(net_sales)) < 5 * sum(net_sales)
        and sum(abs(compared_net_sales)) < 5 * sum(compared_net_sales)
        {%- for level in levels %}
        and sum(abs(db{{ level }})) < 1000 * sum(net_sales)
        and sum(abs(compared_db{{ level }})) < 1000 * sum(compared_net_sales)
        and max(case when compared_net_sales > 0 then abs(compared_db{{ level }}) - 1000 * compared_net_sales end) <= 0
        {%- endfor %}
),

ends as (
    {%- for level in levels %}
    select
        scope_type,
        scope_id,
        month,
        time_window,
        'dg{{ level }}' as kpi_id,
        sum(case when component = 'opening' then dg{{ level }}_effect end) as opening,
        sum(case when component = 'closing' then dg{{ level }}_effect end) as closing
    from {{ ref('portfolio_ratio_bridge') }}
    where time_window in ('month', 'ytd', 'r12')
    group by scope_type, scope_id, month, time_window
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

ratios as (
    {%- for level in levels %}
    select
        scopes.scope_type,
        scopes.scope_id,
        scopes.month,
        scopes.time_window,
        'dg{{ level }}' as kpi_id,
        {{ safe_ratio('scopes.db' ~ level, 'scopes.net_sales') }} as value,
        {{ safe_ratio('scopes.compared_db' ~ level, 'scopes.compared_net_sales') }} as prior_year_value
    from {{ ref('scope_windows') }} as scopes
    inner join {{ ref('time_windows') }} as windows
        on
            scopes.month = windows.month
            and scopes.time_window = windows.time_window
            and windows.is_bridged
    where
        scopes.time_window in ('month', 'ytd', 'r12')
        and scopes.scope_type in ('company', 'segment', 'segment_opening', 'salesperson')
        and scopes.net_sales > 0
        and scopes.compared_net_sales > 0
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    coalesce(ratios.scope_type, ends.scope_type) as scope_type,
    coalesce(ratios.scope_id, ends.scope_id) as scope_id,
    coalesce(ratios.month, ends.month) as month,
    coalesce(ratios.time_window, ends.time_window) as time_window,
    coalesce(ratios.kpi_id, ends.kpi_id) as kpi_id,
    ratios.prior_year_value,
    ends.opening,
    ratios.value,
    ends.closing
from ratios
full join ends
    on
        ratios.scope_type = ends.scope_type
        and ratios.scope_id = ends.scope_id
        and ratios.month = ends.month
        and ratios.time_window = ends.time_window
        and ratios.kpi_id = ends.kpi_id
left join ordinary
    on
        ratios.scope_type = ordinary.scope_type
        and ratios.scope_id = ordinary.scope_id
        and ratios.month = ordinary.month
        and ratios.time_window = ordinary.time_window
where
    ratios.kpi_id is null
    or (ends.kpi_id is null and ordinary.scope_id is not null)
    or (ends.kpi_id is not null and coalesce(abs(ratios.prior_year_value - ends.opening), 1) > 0.000001)
    or (ends.kpi_id is not null and coalesce(abs(ratios.value - ends.closing), 1) > 0.000001)
{%- endmacro %}
