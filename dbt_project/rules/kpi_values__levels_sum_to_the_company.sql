{# Fails for each numerator and denominator that does not sum to the company's over the teams, the salespeople,
   today's portfolios, the segments or the customers of the month and window. #}
{% macro kpi_values__levels_sum_to_the_company() -%}
with levels as (
    select
        kpi_id,
        scope_type,
        month,
        time_window,
        sum(numerator) as numerator,
        sum(denominator) as denominator
    from {{ ref('kpi_values') }}
    group by kpi_id, scope_type, month, time_window
),

level_names as (
    {%- for scope_type in ['company', 'team', 'salesperson', 'salesperson_today', 'segment', 'customer'] %}
    select '{{ scope_type }}' as scope_type
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- Of every KPI and window each level is expected, also one that has no row anywhere.
expected as (
    select
        company.kpi_id,
        level_names.scope_type,
        company.month,
        company.time_window,
        company.numerator,
        company.denominator
    from levels as company
    cross join level_names
    where company.scope_type = 'company'
)

select
    coalesce(expected.kpi_id, levels.kpi_id) as kpi_id,
    coalesce(expected.scope_type, levels.scope_type) as scope_type,
    coalesce(expected.month, levels.month) as month,
    coalesce(expected.time_window, levels.time_window) as time_window,
    expected.numerator as company_numerator,
    levels.numerator as level_numerator,
    expected.denominator as company_denominator,
    levels.denominator as level_denominator
from expected
full join levels
    on
        expected.kpi_id = levels.kpi_id
        and expected.scope_type = levels.scope_type
        and expected.month = levels.month
        and expected.time_window = levels.time_window
where
    expected.numerator is distinct from levels.numerator
    or expected.denominator is distinct from levels.denominator
{%- endmacro %}
