-- What each KPI is called, means and is for: the standard, with the company's own words in their place. Formulas belong
-- in kpi_formulas, values in kpi_values.
with supplied as (
    {{ supplied_feeds(['kpi_register']) }}
),

formulas as (
    select
        kpi_id,
        min(case when is_revenue then 1 else 0 end) = 1 as is_revenue_only,
        max(case when part = 'denominator' then 1 else 0 end) = 0 as is_sum
    from {{ ref('kpi_formulas') }}
    group by kpi_id
)

select
    standard.kpi_id,
    standard.position,
    coalesce(own.name_da, standard.name_da) as name_da,
    coalesce(own.name_en, standard.name_en) as name_en,
    coalesce(own.definition, standard.definition_da) as definition_da,
    standard.definition_en,
    standard.formula_da,
    standard.formula_en,
    standard.unit,
    own.unit as company_unit,
    coalesce(own.direction, standard.direction) as direction,
    coalesce(own.owner, standard.owner) as owner,
    coalesce(own.influence, standard.influence_da) as influence_da,
    standard.influence_en,
    coalesce(own.purpose, standard.purpose) as purpose,
    standard.measure_instead,
    formulas.is_revenue_only,
    formulas.is_sum,
    -- A company without a register of its own uses them all.
    supplied.kpi_register_supplied = 0 or own.kpi_id is not null as is_in_use
from {{ ref('default_kpi_register') }} as standard
cross join supplied
inner join formulas
    on standard.kpi_id = formulas.kpi_id
left join {{ ref('stg_kpi_register') }} as own
    on standard.kpi_id = own.kpi_id
