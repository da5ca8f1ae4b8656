-- The class on each axis of each customer, or chain that is classed as one, month by month. A class is read off its
-- bounds one by one: a customer is below a bound, above it, or so near that it stays where it was (hysteresis). A chain
-- counts once, whatever it has of customers. What the classes are joined to belongs in customer_segments.
with axes as (
    select
        classed_id,
        month,
        rule_version,
        'size' as axis,
        size_value as figure
    from {{ ref('int_segment_basis') }}
    where state is null and is_counted
    union all
    select
        classed_id,
        month,
        rule_version,
        'margin' as axis,
        margin_value as figure
    from {{ ref('int_segment_basis') }}
    where state is null and is_counted
),

-- Negative and undefined figures are a class of their own and count in no share.
classed as (
    select
        classed_id,
        month,
        rule_version,
        axis,
        figure
    from axes
    where figure >= 0
),

methods as (
    select distinct
        rule_version,
        axis,
        method
    from {{ ref('segment_rules') }}
),

-- The figure as each method reads it, and what its bounds are shares of.
measured as (
    select
        classed.classed_id,
        classed.month,
        classed.rule_version,
        classed.axis,
        methods.method,
        case methods.method
            when 'absolute' then classed.figure
            when 'percentile'
                then rank() over (
                    partition by classed.month, classed.axis
                    order by classed.figure asc nulls last
                ) - 1
            else coalesce(
                sum(classed.figure) over (
                    partition by classed.month, classed.axis
                    order by classed.figure desc nulls last, classed.classed_id asc nulls last
                    rows between unbounded preceding and 1 preceding
                ),
                0
            )
        end as measure,
        case methods.method
            when 'absolute' then 1
            when 'percentile' then count(*) over (partition by classed.month, classed.axis)
            else sum(classed.figure) over (partition by classed.month, classed.axis)
        end as whole
    from classed
    inner join methods
        on classed.rule_version = methods.rule_version and classed.axis = methods.axis
),

-- A run of months that a class can be carried over: no gap, and one version of the rules.
starts as (
    select
        classed_id,
        month,
        rule_version,
        axis,
        method,
        cast(measure as decimal(18, 6)) as measure,
        cast(whole as decimal(18, 6)) as whole,
        case
            when
                lag(month) over (partition by classed_id, axis order by month asc nulls last)
                = {{ add_months('month', '-1') }}
                and lag(rule_version) over (partition by classed_id, axis order by month asc nulls last) = rule_version
                then 0
            else 1
        end as is_start
    from measured
),

-- The bound between a class and the next worse one, and the band around it.
bounds as (
    select
        better.rule_version,
        better.axis,
        worse.position,
        case
            when better.method = 'cumulative_share' then coalesce(worse.threshold_from, 0) else better.threshold_from
        end as bound,
        better.hysteresis
    from {{ ref('segment_rules') }} as better
    inner join {{ ref('segment_rules') }} as worse
        on
            better.rule_version = worse.rule_version
            and better.axis = worse.axis
            and better.position + 1 = worse.position
),

bands as (
    select
        rule_version,
        axis,
        position,
        cast(bound as decimal(18, 8)) as bound,
        cast(round(bound - abs({{ exact_product('bound', 'hysteresis', 6, 8) }}), 8) as decimal(18, 8)) as lower_bound,
        cast(round(bound + abs({{ exact_product('bound', 'hysteresis', 6, 8) }}), 8) as decimal(18, 8)) as upper_bound
    from bounds
),

-- 1: on the worse side of the bound; 0: on the better side; NULL: within the band, as it was.
sides as (
    select
        starts.classed_id,
        starts.month,
        starts.axis,
        bands.position,
        sum(starts.is_start) over (
            partition by starts.classed_id, starts.axis, bands.position
            order by starts.month asc nulls last
            rows between unbounded preceding and current row
        ) as run,
        case
            when starts.method = 'cumulative_share'
                then case
                    when
                        starts.is_start = 1
                        and starts.measure >= {{ exact_product('starts.whole', 'bands.bound', 6, 8) }}
                        then 1
                    when starts.is_start = 1 then 0
                    when starts.measure >= {{ exact_product('starts.whole', 'bands.upper_bound', 6, 8) }} then 1
                    when starts.measure < {{ exact_product('starts.whole', 'bands.lower_bound', 6, 8) }} then 0
                end
            when
                starts.is_start = 1
                and starts.measure < {{ exact_product('starts.whole', 'bands.bound', 6, 8) }}
                then 1
            when starts.is_start = 1 then 0
            when starts.measure < {{ exact_product('starts.whole', 'bands.lower_bound', 6, 8) }} then 1
            when starts.measure >= {{ exact_product('starts.whole', 'bands.upper_bound', 6, 8) }} then 0
        end as side,
        -- Without the band.
        case
            when
                (starts.measure >= {{ exact_product('starts.whole', 'bands.bound', 6, 8) }})
                = (starts.method = 'cumulative_share')
                then 1
            else 0
        end as raw_side
    from starts
    inner join bands
        on starts.rule_version = bands.rule_version and starts.axis = bands.axis
),

known_sides as (
    select
        classed_id,
        month,
        axis,
        position,
        run,
        side,
        raw_side,
        count(side) over (
            partition by classed_id, axis, position, run
            order by month asc nulls last
            rows between unbounded preceding and current row
        ) as known_count
    from sides
),

held_sides as (
    select
        classed_id,
        month,
        axis,
        raw_side,
        max(side) over (partition by classed_id, axis, position, run, known_count) as side
    from known_sides
),

positions as (
    select
        starts.classed_id,
        starts.month,
        starts.rule_version,
        starts.axis,
        1 + coalesce(sum(held_sides.side), 0) as position,
        1 + coalesce(sum(held_sides.raw_side), 0) as raw_position
    from starts
    left join held_sides
        on
            starts.classed_id = held_sides.classed_id
            and starts.month = held_sides.month
            and starts.axis = held_sides.axis
    group by starts.classed_id, starts.month, starts.rule_version, starts.axis
)

select
    axes.classed_id,
    axes.month,
    axes.axis,
    coalesce(rules.class_code, {{ negative_class() }}) as class_code,
    coalesce(raw_rules.class_code, {{ negative_class() }}) as raw_class_code
from axes
left join positions
    on
        axes.classed_id = positions.classed_id
        and axes.month = positions.month
        and axes.axis = positions.axis
left join {{ ref('segment_rules') }} as rules
    on
        positions.rule_version = rules.rule_version
        and positions.axis = rules.axis
        and positions.position = rules.position
left join {{ ref('segment_rules') }} as raw_rules
    on
        positions.rule_version = raw_rules.rule_version
        and positions.axis = raw_rules.axis
        and positions.raw_position = raw_rules.position
