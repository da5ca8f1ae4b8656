-- What the scope of each target with a baseline has to show: over the baseline, and over the months of the target so
-- far. Which of it is frozen belongs in target_baselines.
with period as (
    select
        min(first_month) as first_month,
        max(month) as last_month
    from {{ ref('time_windows') }}
),

targets as (
    select
        targets.kpi_id,
        targets.scope_type,
        targets.scope_id,
        targets.month_from,
        targets.baseline_month_from,
        targets.baseline_month_to,
        least(coalesce(targets.month_to, period.last_month), period.last_month) as last_month,
        -- Part of a baseline would be another baseline.
        targets.baseline_month_from >= period.first_month
        and targets.baseline_month_to <= period.last_month
        and targets.baseline_month_to >= targets.baseline_month_from as has_baseline,
        -- The month that says which segment customers opened the target's first year in.
        case
            when
                {{ fiscal_year_floor('targets.month_from', 'company.fiscal_year_start') }}
                = {{ fiscal_year_floor(
                    'least(targets.month_from, period.last_month)', 'company.fiscal_year_start'
                ) }}
                then least(targets.month_from, period.last_month)
        end as segment_month
    from {{ ref('int_kpi_targets') }} as targets
    cross join period
    cross join {{ ref('stg_company') }} as company
    where targets.baseline_month_from is not null and targets.baseline_month_to is not null
),

figures as (
    select
        targets.kpi_id,
        targets.scope_type,
        targets.scope_id,
        targets.month_from,
        scopes.month,
        {{ kpi_part('numerator', 'targets.kpi_id', 'scopes.') }} as numerator,
        {{ kpi_part('denominator', 'targets.kpi_id', 'scopes.') }} as denominator
    from targets
    inner join {{ ref('int_scope_windows') }} as scopes
        on targets.scope_type = scopes.scope_type and targets.scope_id = scopes.scope_id
    where targets.scope_type <> 'segment' and scopes.time_window = 'month'
    union all
    -- The same customers in both: those whom the segment had when the target began.
    select
        targets.kpi_id,
        targets.scope_type,
        targets.scope_id,
        targets.month_from,
        windows.month,
        {{ kpi_part('numerator', 'targets.kpi_id', 'windows.') }} as numerator,
        {{ kpi_part('denominator', 'targets.kpi_id', 'windows.') }} as denominator
    from targets
    inner join {{ ref('customer_segments') }} as segments
        on targets.scope_id = segments.opening_segment and targets.segment_month = segments.month
    inner join {{ ref('int_customer_windows') }} as windows
        on segments.customer_id = windows.customer_id
    where targets.scope_type = 'segment' and windows.time_window = 'month'
),

sums as (
    select
        targets.kpi_id,
        targets.scope_type,
        targets.scope_id,
        targets.month_from,
        sum(
            case
                when
                    targets.has_baseline
                    and figures.month >= targets.baseline_month_from
                    and figures.month <= targets.baseline_month_to
                    then figures.numerator
            end
        ) as baseline_numerator,
        sum(
            case
                when
                    targets.has_baseline
                    and figures.month >= targets.baseline_month_from
                    and figures.month <= targets.baseline_month_to
                    then figures.denominator
            end
        ) as baseline_denominator,
        sum(
            case
                when figures.month >= targets.month_from and figures.month <= targets.last_month
                    then figures.numerator
            end
        ) as numerator,
        sum(
            case
                when figures.month >= targets.month_from and figures.month <= targets.last_month
                    then figures.denominator
            end
        ) as denominator
    from targets
    left join figures
        on
            targets.kpi_id = figures.kpi_id
            and targets.scope_type = figures.scope_type
            and targets.scope_id = figures.scope_id
            and targets.month_from = figures.month_from
    group by targets.kpi_id, targets.scope_type, targets.scope_id, targets.month_from
)

select
    targets.kpi_id,
    targets.scope_type,
    targets.scope_id,
    targets.month_from,
    cast(sums.baseline_numerator as decimal(18, 4)) as baseline_numerator,
    cast(sums.baseline_denominator as decimal(18, 4)) as baseline_denominator,
    cast(sums.numerator as decimal(18, 4)) as numerator,
    cast(sums.denominator as decimal(18, 4)) as denominator,
    cast(
        greatest(0, coalesce({{ months_between('targets.month_from', 'targets.last_month') }}, 0)) as bigint
    ) as months_so_far
from targets
inner join sums
    on
        targets.kpi_id = sums.kpi_id
        and targets.scope_type = sums.scope_type
        and targets.scope_id = sums.scope_id
        and targets.month_from = sums.month_from
