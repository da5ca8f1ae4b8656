-- The formula of every KPI, measure by measure, as the KPIs are computed. Names and owners belong in kpi_register.
{%- set terms = [] %}
{%- for kpi in kpi_list() %}
{%- for part in ['numerator', 'denominator'] if kpi[part] is defined %}
{%- for measure, coefficient in kpi[part].items() %}
{%- do terms.append((kpi.kpi_id, part, measure, coefficient)) %}
{%- endfor %}
{%- endfor %}
{%- endfor %}
{%- for kpi_id, part, measure, coefficient in terms %}
select
    '{{ kpi_id }}' as kpi_id,
    '{{ part }}' as part,
    '{{ measure }}' as measure,
    cast({{ coefficient }} as bigint) as coefficient,
    {{ 'true' if measure in revenue_measures() else 'false' }} as is_revenue
{{ 'union all' if not loop.last }}
{%- endfor %}
