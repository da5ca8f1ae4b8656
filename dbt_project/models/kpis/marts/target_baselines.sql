-- Where each target set out from: the baseline as it was published when the target was approved, or first published
-- with it. It never moves; what a restatement has made of it since is the drift. Attainment belongs in kpi_values.
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
        targets.month_to,
        targets.target_value,
        targets.baseline_month_from,
        targets.baseline_month_to,
        targets.approved_by,
        targets.approved_on,
        targets.is_sum,
        targets.direction,
        targets.month_count,
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
    from {{ ref('kpi_targets') }} as targets
    cross join period
    cross join {{ ref('stg_company') }} as company
    where targets.baseline_month_from is not null and targets.baseline_month_to is not null
),

-- A KPI that counts customers, or asks who is good, has no baseline.
portfolios as (
    select
        *,
        {{ each('0 as {}', customer_base_measures()) }}
    from {{ ref('int_portfolio_windows') }}
    where time_window = 'month'
),

-- What the scope has to show, month by month.
figures as (
    select
        targets.kpi_id,
        targets.scope_type,
        targets.scope_id,
        targets.month_from,
        scopes.month,
        {{ kpi_part('numerator', 'terms', 'scopes.') }} as numerator,
        {{ kpi_part('denominator', 'terms', 'scopes.') }} as denominator
    from targets
    inner join {{ ref('kpi_terms') }} as terms
        on targets.kpi_id = terms.kpi_id
    inner join {{ ref('scope_windows') }} as scopes
        on targets.scope_type = scopes.scope_type and targets.scope_id = scopes.scope_id
    where targets.scope_type not in ('segment_opening', 'salesperson_segment') and scopes.time_window = 'month'
    union all
    -- The same customers in both: those whom the segment had when the target began.
    select
        targets.kpi_id,
        targets.scope_type,
        targets.scope_id,
        targets.month_from,
        windows.month,
        {{ kpi_part('numerator', 'terms', 'windows.') }} as numerator,
        {{ kpi_part('denominator', 'terms', 'windows.') }} as denominator
    from targets
    inner join {{ ref('kpi_terms') }} as terms
        on targets.kpi_id = terms.kpi_id
    inner join {{ ref('customer_segments') }} as segments
        on targets.scope_id = segments.opening_segment and targets.segment_month = segments.month
    inner join {{ ref('scope_windows') }} as windows
        on segments.customer_id = windows.scope_id and windows.scope_type = 'customer'
    where targets.scope_type = 'segment_opening' and windows.time_window = 'month'
    union all
    -- And of these what was the salesperson's when it was posted.
    select
        targets.kpi_id,
        targets.scope_type,
        targets.scope_id,
        targets.month_from,
        portfolios.month,
        {{ kpi_part('numerator', 'terms', 'portfolios.') }} as numerator,
        {{ kpi_part('denominator', 'terms', 'portfolios.') }} as denominator
    from targets
    inner join {{ ref('kpi_terms') }} as terms
        on targets.kpi_id = terms.kpi_id
    inner join {{ ref('customer_segments') }} as segments
        on targets.segment_month = segments.month
    inner join portfolios
        on
            segments.customer_id = portfolios.customer_id
            and targets.scope_id
            = {{ salesperson_in_segment('portfolios.salesperson_id', 'segments.opening_segment') }}
    where targets.scope_type = 'salesperson_segment'
),

-- Over the baseline, and over the months of the target so far.
sums as (
    select
        targets.kpi_id,
        targets.scope_type,
        targets.scope_id,
        targets.month_from,
        cast(
            sum(
                case
                    when
                        targets.has_baseline
                        and figures.month >= targets.baseline_month_from
                        and figures.month <= targets.baseline_month_to
                        then figures.numerator
                end
            ) as decimal(18, 4)
        ) as baseline_numerator,
        cast(
            sum(
                case
                    when
                        targets.has_baseline
                        and figures.month >= targets.baseline_month_from
                        and figures.month <= targets.baseline_month_to
                        then figures.denominator
                end
            ) as decimal(18, 4)
        ) as baseline_denominator,
        cast(
            sum(
                case
                    when figures.month >= targets.month_from and figures.month <= targets.last_month
                        then figures.numerator
                end
            ) as decimal(18, 4)
        ) as numerator,
        cast(
            sum(
                case
                    when figures.month >= targets.month_from and figures.month <= targets.last_month
                        then figures.denominator
                end
            ) as decimal(18, 4)
        ) as denominator
    from targets
    left join figures
        on
            targets.kpi_id = figures.kpi_id
            and targets.scope_type = figures.scope_type
            and targets.scope_id = figures.scope_id
            and targets.month_from = figures.month_from
    group by targets.kpi_id, targets.scope_type, targets.scope_id, targets.month_from
),

computed as (
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
        cast(
            greatest(0, coalesce({{ months_between('targets.month_from', 'targets.last_month') }}, 0)) as bigint
        ) as months_so_far,
        cast({{ months_between('targets.baseline_month_from', 'targets.baseline_month_to') }} as bigint)
            as baseline_months,
        -- Who is in the scope was decided when the target's year opened.
        case
            when targets.scope_type in ({{ quoted(segment_scope_types()) }}) then opened.opening_rule_version
        end as rule_version,
        case
            when targets.scope_type in ({{ quoted(segment_scope_types()) }})
                then
                    {{ either(
                        either(
                            'opened.opening_rule_version <> ended.rule_version',
                            'opened.opening_rule_version <> began.rule_version'
                        ),
                        'opened.opening_rule_version <> published.rule_version'
                    ) }}
        end as is_rule_change,
        -- The baseline stays that of the customers who were in the segment then.
        case
            when targets.scope_type in ({{ quoted(segment_scope_types()) }})
                then coalesce(published.rule_version, opened.opening_rule_version)
        end as baseline_rule_version,
        published.baseline_value as published_value,
        published.baseline_publication,
        {{ kpi_value('targets.is_sum', 'sums.baseline_numerator', 'sums.baseline_denominator') }} as current_value,
        {{ kpi_value('targets.is_sum', 'sums.numerator', 'sums.denominator') }} as value_so_far
    from targets
    inner join sums
        on
            targets.kpi_id = sums.kpi_id
            and targets.scope_type = sums.scope_type
            and targets.scope_id = sums.scope_id
            and targets.month_from = sums.month_from
    left join {{ ref('int_segment_versions') }} as opened
        on targets.segment_month = opened.month and opened.time_window = 'month'
    left join {{ ref('int_segment_versions') }} as ended
        on targets.last_month = ended.month and ended.time_window = 'month'
    left join {{ ref('int_segment_versions') }} as began
        on targets.baseline_month_to = began.month and began.time_window = 'month'
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
        rule_version,
        is_rule_change,
        baseline_rule_version,
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
    end as progress,
    rule_version,
    is_rule_change,
    baseline_rule_version
from scaled
