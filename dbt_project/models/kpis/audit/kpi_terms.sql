-- The formula of every KPI in one row, as KPIs are computed: up to four measures of each part, side by side. Which
-- measures those are belongs in kpi_formulas.
with placed as (
    select
        kpi_id,
        part,
        measure,
        coefficient,
        row_number() over (partition by kpi_id, part order by measure asc nulls last) as place
    from {{ ref('kpi_formulas') }}
)

select
    kpi_id,
    {%- for part in ['numerator', 'denominator'] %}
    {%- for place in kpi_places() %}
    max(case when part = '{{ part }}' and place = {{ place }} then measure end) as {{ part }}_measure_{{ place }},
    cast(
        max(case when part = '{{ part }}' and place = {{ place }} then coefficient end) as bigint
    ) as {{ part }}_coefficient_{{ place }},
    {%- endfor %}
    {%- endfor %}
    max(case when part = 'denominator' then 1 else 0 end) = 0 as is_sum,
    max(case when measure in ({{ quoted(customer_base_measures()) }}) then 1 else 0 end) = 0 as adds_up
from placed
group by kpi_id
