-- The formula of every KPI, measure by measure: the standard ones, which mean the same everywhere, and the company's
-- own. Names and owners are in kpi_register.
with formulas as (
    select
        kpi_id,
        part,
        measure,
        coefficient
    from {{ ref('default_kpi_formulas') }}
    union all
    select
        own.kpi_id,
        own.part,
        own.measure,
        own.coefficient
    from {{ ref('stg_kpi_formulas') }} as own
    left join {{ ref('default_kpi_register') }} as standard
        on own.kpi_id = standard.kpi_id
    where standard.kpi_id is null
)

select
    kpi_id,
    part,
    measure,
    cast(coefficient as bigint) as coefficient,
    measure in ({{ quoted(revenue_measures()) }}) as is_revenue,
    case
        {%- for kind in ('revenue', 'margin', 'activity', 'customer_base') %}
        when measure in ({{ quoted(measures_of_kind(kind)) }}) then '{{ kind }}'
        {%- endfor %}
        else 'cost_driver'
    end as measure_kind
from formulas
