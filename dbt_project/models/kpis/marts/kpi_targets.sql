-- The company's KPI targets, each with what it takes to use it: whether the KPI is a sum, and until when the target
-- holds. Who approved what belongs in target_baselines.
with supplied as (
    select
        *,
        -- One that stands twice, under two names, blocks the refresh: see sales_policy_problems.
        row_number() over (
            partition by kpi_id, scope_type, scope_id, month_from
            order by supplied_scope_type asc nulls last
        ) as place
    from {{ ref('stg_kpi_targets') }}
),

ordered as (
    select
        targets.kpi_id,
        targets.scope_type,
        targets.scope_id,
        targets.month_from,
        targets.month_to,
        targets.target_value,
        targets.baseline_month_from,
        targets.baseline_month_to,
        targets.approved_by,
        targets.approved_on,
        -- Customers are counted over a window; half a year does not have half of them.
        terms.is_sum and terms.adds_up as is_sum,
        register.direction,
        lead(targets.month_from) over (
            partition by targets.kpi_id, targets.scope_type, targets.scope_id
            order by targets.month_from asc nulls last
        ) as next_month_from
    from supplied as targets
    inner join {{ ref('kpi_register') }} as register
        on targets.kpi_id = register.kpi_id
    inner join {{ ref('kpi_terms') }} as terms
        on targets.kpi_id = terms.kpi_id
    where targets.place = 1
)

select
    kpi_id,
    scope_type,
    scope_id,
    month_from,
    month_to,
    -- A later target takes the place of an earlier one.
    least(
        coalesce(month_to, cast('9999-12-01' as date)),
        coalesce({{ add_months('next_month_from', '-1') }}, cast('9999-12-01' as date))
    ) as last_month,
    cast({{ months_between('month_from', 'month_to') }} as bigint) as month_count,
    target_value,
    baseline_month_from,
    baseline_month_to,
    approved_by,
    approved_on,
    is_sum,
    direction
from ordered
