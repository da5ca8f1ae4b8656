-- What each KPI is called, means and is for: the standard, with the company's own words in their place, and the
-- company's own KPIs. Formulas belong in kpi_formulas, values in kpi_values.
{%- set misses_of_kinds = {
    'revenue': (
        'Ser ikke, hvad varer og kunde koster: den kan stige, mens DB falder',
        'Does not see what goods and customer cost: it can rise while the contribution falls',
    ),
    'margin': (
        'Ser ikke de omkostninger, som står længere nede i regnskabet',
        'Does not see the costs that stand further down the account',
    ),
    'cost_driver': (
        'Ser kun den ene omkostning: den kan falde, mens salget falder mere',
        'Sees that one cost only: it can fall while sales fall more',
    ),
    'activity': (
        'Ser ikke, om indsatsen betaler sig',
        'Does not see whether the effort pays',
    ),
    'customer_base': (
        'Ser ikke, hvad kunderne efterlader',
        'Does not see what the customers leave',
    ),
} %}

with supplied as (
    {{ supplied_feeds(['kpi_register']) }}
),

-- What kinds of measure the numerator has, and whether costs are in the formula at all.
measured as (
    select
        kpi_id,
        {%- for kind in measure_kinds().values() | unique %}
        max(case when part = 'numerator' and measure_kind = '{{ kind }}' then 1 else 0 end) = 1 as has_{{ kind }},
        {%- endfor %}
        min(case when is_revenue then 1 else 0 end) = 1 as is_without_costs
    from {{ ref('kpi_formulas') }}
    group by kpi_id
),

-- Revenue less a cost is a margin; what is taken off sales alone is a cost driver and no revenue.
kinds as (
    select
        kpi_id,
        is_without_costs,
        case
            when has_margin or (has_revenue and not is_without_costs and has_cost_driver) then 'margin'
            when has_revenue then 'revenue'
            when has_cost_driver then 'cost_driver'
            when has_customer_base then 'customer_base'
            else 'activity'
        end as kpi_kind
    from measured
),

formulas as (
    select
        kpi_id,
        kpi_kind,
        kpi_kind = 'revenue' and is_without_costs as is_revenue_only
    from kinds
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
        own.misses,
        own.measured_today,
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
),

-- Whether the company has told at all what it measures today.
told as (
    select max(case when measured_today is not null then 1 else 0 end) = 1 as is_told
    from {{ ref('stg_kpi_register') }}
),

register as (
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
        coalesce(own.misses, standard.misses_da) as misses_da,
        standard.misses_en,
        standard.measure_beside,
        case when told.is_told then coalesce(own.measured_today, false) end as is_measured_today,
        formulas.kpi_kind,
        formulas.is_revenue_only,
        terms.is_sum,
        -- A company without a register of its own uses them all.
        supplied.kpi_register_supplied = 0 or own.kpi_id is not null or targeted.kpi_id is not null as is_in_use
    from {{ ref('default_kpi_register') }} as standard
    cross join supplied
    cross join told
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
        coalesce(
            own_kpis.misses,
            case formulas.kpi_kind
                {%- for kind, misses in misses_of_kinds.items() %}
                when '{{ kind }}' then '{{ misses[0] }}'
                {%- endfor %}
            end
        ) as misses_da,
        coalesce(
            own_kpis.misses,
            case formulas.kpi_kind
                {%- for kind, misses in misses_of_kinds.items() %}
                when '{{ kind }}' then '{{ misses[1] }}'
                {%- endfor %}
            end
        ) as misses_en,
        case when own_kpis.is_sum then 'db3' else 'dg3' end as measure_beside,
        case when told.is_told then coalesce(own_kpis.measured_today, false) end as is_measured_today,
        formulas.kpi_kind,
        formulas.is_revenue_only,
        own_kpis.is_sum,
        true as is_in_use
    from own_kpis
    cross join last_standard
    cross join told
    inner join formulas
        on own_kpis.kpi_id = formulas.kpi_id
)

select
    register.kpi_id,
    register.position,
    register.name_da,
    register.name_en,
    register.definition_da,
    register.definition_en,
    register.formula_da,
    register.formula_en,
    register.unit,
    register.company_unit,
    register.direction,
    register.owner,
    register.kpi_kind,
    register.influence_da,
    register.influence_en,
    register.purpose,
    register.misses_da,
    register.misses_en,
    register.measure_beside,
    case when register.is_revenue_only then register.measure_beside end as measure_instead,
    register.is_revenue_only,
    register.is_measured_today,
    register.is_measured_today and not coalesce(beside.is_measured_today, false) as is_measured_alone,
    register.is_sum,
    register.is_in_use
from register
left join register as beside
    on register.measure_beside = beside.kpi_id
