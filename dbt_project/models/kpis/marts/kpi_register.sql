-- What each KPI is called, means and is for: the standard, with the company's own words in their place, and the
-- company's own KPIs. Formulas belong in kpi_formulas, values in kpi_values.
with supplied as (
    {{ supplied_feeds(['kpi_register']) }}
),

formulas as (
    select
        kpi_id,
        min(case when is_revenue then 1 else 0 end) = 1 as is_revenue_only
    from {{ ref('kpi_formulas') }}
    group by kpi_id
),

-- The company's own KPIs come after the standard ones, in the order of their keys. Their formula is written as it is.
own_kpis as (
    select
        own.kpi_id,
        row_number() over (order by own.kpi_id asc nulls last) as place,
        own.name_da,
        own.name_en,
        own.definition,
        own.unit,
        own.direction,
        own.owner,
        own.influence,
        own.purpose,
        terms.is_sum,
        case
            when terms.is_sum then {{ kpi_part_text('numerator', 'terms') }}
            else
                {{ kpi_ratio_part_text('numerator', 'terms') }}
                || ' / ' || {{ kpi_ratio_part_text('denominator', 'terms') }}
        end as formula
    from {{ ref('stg_kpi_register') }} as own
    inner join {{ ref('kpi_terms') }} as terms
        on own.kpi_id = terms.kpi_id
    left join {{ ref('default_kpi_register') }} as standard
        on own.kpi_id = standard.kpi_id
    where standard.kpi_id is null
),

-- What a target is set for is used, whether the register names it or not.
targeted as (
    select distinct kpi_id
    from {{ ref('stg_kpi_targets') }}
),

last_standard as (
    select max(position) as position
    from {{ ref('default_kpi_register') }}
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
    terms.is_sum,
    -- A company without a register of its own uses them all.
    supplied.kpi_register_supplied = 0 or own.kpi_id is not null or targeted.kpi_id is not null as is_in_use
from {{ ref('default_kpi_register') }} as standard
cross join supplied
inner join formulas
    on standard.kpi_id = formulas.kpi_id
inner join {{ ref('kpi_terms') }} as terms
    on standard.kpi_id = terms.kpi_id
left join {{ ref('stg_kpi_register') }} as own
    on standard.kpi_id = own.kpi_id
left join targeted
    on standard.kpi_id = targeted.kpi_id
union all
select
    own_kpis.kpi_id,
    cast(last_standard.position + own_kpis.place as bigint) as position,
    own_kpis.name_da,
    own_kpis.name_en,
    coalesce(own_kpis.definition, own_kpis.name_da) as definition_da,
    coalesce(own_kpis.definition, own_kpis.name_en) as definition_en,
    own_kpis.formula as formula_da,
    own_kpis.formula as formula_en,
    case when own_kpis.is_sum then 'amount' else 'ratio' end as unit,
    own_kpis.unit as company_unit,
    coalesce(own_kpis.direction, 'up') as direction,
    coalesce(own_kpis.owner, '') as owner,
    coalesce(own_kpis.influence, '') as influence_da,
    coalesce(own_kpis.influence, '') as influence_en,
    coalesce(own_kpis.purpose, '') as purpose,
    case
        when formulas.is_revenue_only and own_kpis.is_sum then 'db3'
        when formulas.is_revenue_only then 'dg3'
    end as measure_instead,
    formulas.is_revenue_only,
    own_kpis.is_sum,
    true as is_in_use
from own_kpis
cross join last_standard
inner join formulas
    on own_kpis.kpi_id = formulas.kpi_id
