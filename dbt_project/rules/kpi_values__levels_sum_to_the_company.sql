{# Fails for each numerator and denominator that does not sum to the company's over the teams, the salespeople,
   today's portfolios, the segments (as they are now, and as they were at the opening), the salespeople within segments, the
   chains with the rest of the customers, or the customers of the month and window. Counts of customers are no sums. #}
{% macro kpi_values__levels_sum_to_the_company() -%}
with levels as (
    select
        kpis.kpi_id,
        kpis.scope_type,
        kpis.month,
        kpis.time_window,
        sum(kpis.numerator) as numerator,
        sum(kpis.denominator) as denominator
    from {{ ref('kpi_values') }} as kpis
    inner join {{ ref('kpi_terms') }} as terms
        on kpis.kpi_id = terms.kpi_id
    where terms.adds_up
    group by kpis.kpi_id, kpis.scope_type, kpis.month, kpis.time_window
),

level_names as (
    {{ level_names([
        'company', 'team', 'salesperson', 'salesperson_today', 'segment', 'segment_opening', 'salesperson_segment',
        'customer',
    ]) }}
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
