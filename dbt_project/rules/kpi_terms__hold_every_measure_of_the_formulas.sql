{# Fails for each measure of a formula that the KPI is not computed with, or with another coefficient. #}
{% macro kpi_terms__hold_every_measure_of_the_formulas() -%}
with terms as (
    {%- for part in ['numerator', 'denominator'] %}
    {%- for place in kpi_places() %}
    select
        kpi_id,
        '{{ part }}' as part,
        {{ part }}_measure_{{ place }} as measure,
        {{ part }}_coefficient_{{ place }} as coefficient
    from {{ ref('kpi_terms') }}
    where {{ part }}_measure_{{ place }} is not null
    {{ 'union all' if not (loop.last and part == 'denominator') }}
    {%- endfor %}
    {%- endfor %}
)

select
    coalesce(formulas.kpi_id, terms.kpi_id) as kpi_id,
    coalesce(formulas.measure, terms.measure) as measure
from {{ ref('kpi_formulas') }} as formulas
full join terms
    on
        formulas.kpi_id = terms.kpi_id
        and formulas.part = terms.part
        and formulas.measure = terms.measure
where formulas.coefficient is distinct from terms.coefficient
{%- endmacro %}
