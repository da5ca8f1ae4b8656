-- Fails for each scope and window whose bridge does not begin at the ratio of then and end at the ratio of now, as
-- kpi_values has them, and for each without a bridge although it has both. A contribution of ten thousand times the
-- sales is no ratio to explain.
{{ config(meta={'dagster': {'ref': {'name': 'portfolio_ratio_bridge'}}}) }}

with ends as (
    {%- for level in ['1', '2', '3'] %}
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
    select
        scope_type,
        scope_id,
        month,
        time_window,
        kpi_id,
        value,
        prior_year_value,
        max(greatest(abs(value), abs(prior_year_value))) over (
            partition by scope_type, scope_id, month, time_window
        ) as largest
    from {{ ref('kpi_values') }}
    where
        kpi_id in ('dg1', 'dg2', 'dg3')
        and scope_type in ('company', 'segment', 'salesperson')
        and value is not null
        and prior_year_value is not null
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
where
    ratios.kpi_id is null
    or (ends.kpi_id is null and ratios.largest < 10000)
    or (ends.kpi_id is not null and coalesce(abs(ratios.prior_year_value - ends.opening), 1) > 0.000001)
    or (ends.kpi_id is not null and coalesce(abs(ratios.value - ends.closing), 1) > 0.000001)
