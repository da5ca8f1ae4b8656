-- Where a customer costs more than its like: every cost driver's rate of the last twelve months beside the middle one
-- of the same segment, and what the gap is worth. How rates move over time belongs in driver_bridge.
{%- set drivers = cost_drivers() %}

with as_of as (
    select max(month) as month
    from {{ ref('time_windows') }}
),

-- Only customers in a class: new, lost and internal customers are no measure for anybody.
customers as (
    select
        segments.customer_id,
        segments.month,
        segments.segment,
        sums.list_sales,
        {%- for driver, cost, base in drivers %}
        sums.{{ cost }},
        {%- endfor %}
        sums.invoiced_sales
    from {{ ref('customer_segments') }} as segments
    inner join as_of
        on segments.month = as_of.month
    inner join {{ ref('int_segment_codes') }} as codes
        on segments.rule_version = codes.rule_version and segments.segment = codes.segment
    inner join {{ ref('int_customer_windows') }} as sums
        on
            segments.customer_id = sums.customer_id
            and segments.month = sums.month
            and sums.time_window = 'r12'
),

costs as (
    {%- for driver, cost, base in drivers %}
    select
        customer_id,
        month,
        segment,
        '{{ driver }}' as driver,
        {{ cost }} as cost,
        {{ base }} as base
    from customers
    where {{ base }} > 0
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

rates as (
    select
        customer_id,
        month,
        segment,
        driver,
        cost,
        base,
        {{ safe_ratio('cost', 'base') }} as rate
    from costs
),

placed as (
    select
        segment,
        driver,
        cost,
        base,
        rate,
        {{- median_places(['rate'], ['segment', 'driver']) }}
    from rates
),

benchmarks as (
    select
        segment,
        driver,
        count(*) as segment_customers,
        {{ safe_ratio('sum(cost)', 'sum(base)') }} as segment_rate,
        {{ median_of('rate', 6) }} as benchmark
    from placed
    group by segment, driver
),

valued as (
    select
        rates.customer_id,
        rates.driver,
        rates.month,
        rates.segment,
        rates.cost,
        rates.base,
        rates.rate,
        benchmarks.segment_customers,
        benchmarks.segment_rate,
        benchmarks.benchmark,
        cast(rates.rate - benchmarks.benchmark as decimal(18, 6)) as gap
    from rates
    inner join benchmarks
        on rates.segment = benchmarks.segment and rates.driver = benchmarks.driver
),

opportunities as (
    select
        customer_id,
        driver,
        month,
        segment,
        cost,
        base,
        rate,
        segment_customers,
        segment_rate,
        benchmark,
        gap,
        -- What is below the middle is no debt of anybody.
        case when gap > 0 then {{ money(exact_product('gap', 'base', 6, 4)) }} else 0 end as worth
    from valued
)

select
    customer_id,
    driver,
    month,
    segment,
    cast(cost as decimal(18, 4)) as cost,
    cast(base as decimal(18, 4)) as base,
    rate,
    cast(segment_customers as bigint) as segment_customers,
    segment_rate,
    benchmark,
    gap,
    cast(gap * 100 as decimal(18, 4)) as gap_pp,
    cast(worth as decimal(18, 4)) as worth,
    cast(
        row_number() over (
            order by worth desc nulls last, customer_id asc nulls last, driver asc nulls last
        ) as bigint
    ) as opportunity_rank
from opportunities
