-- Where each target set out from: the baseline as it was published when the target was approved, or first published
-- with it. It never moves; what a restatement has made of it since is the drift. Attainment belongs in kpi_values.
with computed as (
    select
        targets.kpi_id,
        targets.scope_type,
        targets.scope_id,
        targets.month_from,
        targets.month_to,
        cast(targets.target_value as decimal(18, 6)) as target_value,
        targets.baseline_month_from,
        targets.baseline_month_to,
        targets.approved_by,
        targets.approved_on,
        targets.is_sum,
        targets.direction,
        targets.month_count,
        sums.months_so_far,
        cast({{ months_between('targets.baseline_month_from', 'targets.baseline_month_to') }} as bigint)
            as baseline_months,
        published.baseline_value as published_value,
        published.baseline_publication,
        {{ kpi_value('targets.is_sum', 'sums.baseline_numerator', 'sums.baseline_denominator') }} as current_value,
        {{ kpi_value('targets.is_sum', 'sums.numerator', 'sums.denominator') }} as value_so_far
    from {{ ref('int_kpi_targets') }} as targets
    inner join {{ ref('int_target_sums') }} as sums
        on
            targets.kpi_id = sums.kpi_id
            and targets.scope_type = sums.scope_type
            and targets.scope_id = sums.scope_id
            and targets.month_from = sums.month_from
    -- Another period or another approval is another baseline.
    left join {{ ref('stg_published_baselines') }} as published
        on
            targets.kpi_id = published.kpi_id
            and targets.scope_type = published.scope_type
            and targets.scope_id = published.scope_id
            and targets.month_from = published.month_from
            and targets.baseline_month_from = published.baseline_month_from
            and targets.baseline_month_to = published.baseline_month_to
            and targets.approved_on is not distinct from published.approved_on
),

frozen as (
    select
        kpi_id,
        scope_type,
        scope_id,
        month_from,
        month_to,
        target_value,
        baseline_month_from,
        baseline_month_to,
        approved_by,
        approved_on,
        is_sum,
        direction,
        month_count,
        months_so_far,
        baseline_months,
        coalesce(published_value, current_value) as baseline_value,
        baseline_publication,
        current_value,
        value_so_far
    from computed
),

-- A sum grows with the months, so it is held against what the same number of months had and shall have.
scaled as (
    select
        *,
        case
            when is_sum then {{ part_by_months('baseline_value', 'months_so_far', 'baseline_months') }}
            else baseline_value
        end as start_value,
        case
            when is_sum then {{ part_by_months('target_value', 'months_so_far', 'month_count') }}
            else target_value
        end as goal_value
    from frozen
)

select
    kpi_id,
    scope_type,
    scope_id,
    month_from,
    month_to,
    target_value,
    baseline_month_from,
    baseline_month_to,
    approved_by,
    approved_on,
    baseline_value,
    baseline_publication,
    current_value,
    cast(current_value - baseline_value as decimal(18, 6)) as drift,
    value_so_far,
    -- Undefined for a target that is no better than the baseline: value_ratio gives NULL.
    case
        when direction = 'up'
            then {{ value_ratio('(value_so_far - start_value)', '(goal_value - start_value)') }}
        else {{ value_ratio('(start_value - value_so_far)', '(start_value - goal_value)') }}
    end as progress
from scaled
