{# Fails for each ratio that has a value although its denominator is not positive, such as DG II without net
   sales. #}
{% macro kpi_values__ratios_without_a_positive_denominator_are_null() -%}
with ratios as (
    select distinct kpi_id
    from {{ ref('kpi_formulas') }}
    where part = 'denominator'
)

select
    kpi_values.kpi_id,
    kpi_values.scope_type,
    kpi_values.scope_id,
    kpi_values.month,
    kpi_values.time_window,
    kpi_values.denominator,
    kpi_values.value
from {{ ref('kpi_values') }} as kpi_values
inner join ratios
    on kpi_values.kpi_id = ratios.kpi_id
where kpi_values.value is not null and (kpi_values.denominator is null or kpi_values.denominator <= 0)
{%- endmacro %}
