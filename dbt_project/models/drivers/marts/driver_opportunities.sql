-- Where a customer costs more than its like: every cost driver's rate of the last twelve months beside the middle one
-- of those whom it is measured by, and what the gap is worth. What to do, nothing twice, belongs in customer_actions,
-- how rates move over time in driver_bridge.
with opportunities as (
    select *
    from {{ ref('int_driver_benchmarks') }}
    where driver <> 'db3' and base > 0
),

segments as (
    select
        segment,
        driver,
        count(*) as segment_customers,
        {{ safe_ratio('sum(cost)', 'sum(base)') }} as segment_rate
    from opportunities
    group by segment, driver
)

select
    opportunities.customer_id,
    opportunities.driver,
    opportunities.month,
    opportunities.segment,
    opportunities.cost,
    opportunities.base,
    opportunities.rate,
    cast(segments.segment_customers as bigint) as segment_customers,
    segments.segment_rate,
    opportunities.benchmark_group,
    opportunities.benchmark_customers,
    opportunities.benchmark,
    opportunities.gap,
    cast(opportunities.gap * 100 as decimal(18, 4)) as gap_pp,
    opportunities.worth,
    cast(
        row_number() over (
            order by
                opportunities.worth desc nulls last,
                opportunities.customer_id asc nulls last,
                opportunities.driver asc nulls last
        ) as bigint
    ) as opportunity_rank
from opportunities
inner join segments
    on opportunities.segment = segments.segment and opportunities.driver = segments.driver
