{# Fails for each standard KPI that has a formula and no entry in the register, or an entry and no formula, for each
   entry of the register without a formula, for each KPI that should be measured instead of another and is not there or
   knows no costs itself, and for each that is to be measured beside itself. What a company's own KPI lacks is told in
   sales_policy_problems. #}
{% macro kpi_register__holds_every_formula() -%}
with formulas as (
    select distinct kpi_id
    from {{ ref('default_kpi_formulas') }}
),

standard as (
    select kpi_id
    from {{ ref('default_kpi_register') }}
)

select
    coalesce(formulas.kpi_id, standard.kpi_id) as kpi_id,
    cast(null as string) as measure_instead
from formulas
full join standard
    on formulas.kpi_id = standard.kpi_id
left join {{ ref('kpi_register') }} as register
    on formulas.kpi_id = register.kpi_id
where formulas.kpi_id is null or standard.kpi_id is null or register.kpi_id is null
union all
select
    register.kpi_id,
    register.measure_instead
from {{ ref('kpi_register') }} as register
left join {{ ref('kpi_terms') }} as terms
    on register.kpi_id = terms.kpi_id
where terms.kpi_id is null
union all
select
    register.kpi_id,
    register.measure_instead
from {{ ref('kpi_register') }} as register
left join {{ ref('kpi_register') }} as instead
    on register.measure_instead = instead.kpi_id
where
    register.is_revenue_only is distinct from (register.measure_instead is not null)
    or (register.measure_instead is not null and coalesce(instead.is_revenue_only, true))
    or register.measure_beside = register.kpi_id
{%- endmacro %}
