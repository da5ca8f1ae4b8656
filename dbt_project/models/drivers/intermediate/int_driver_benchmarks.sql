-- What each cost driver takes of a classed customer's sales over twelve months, beside what it takes of those whom the
-- customer is measured by, and what the difference is worth; DB III of net sales likewise. What to do about it belongs
-- in customer_actions.
{%- set drivers = cost_drivers() %}
{%- set bad_debt_line = cost_type_lines()['bad_debt'] %}

with last_month as (
    select max(month) as month
    from {{ ref('time_windows') }}
),

as_of as (
    select
        windows.month,
        windows.first_month
    from {{ ref('time_windows') }} as windows
    inner join last_month
        on windows.month = last_month.month
    where windows.time_window = 'r12'
),

-- Nobody decides to lose money on a debtor: bad debts are no driver that could be moved.
bad_debts as (
    select
        costs.customer_id,
        sum(costs.amount) as amount
    from {{ ref('int_customer_costs_valued') }} as costs
    inner join as_of
        on costs.month >= as_of.first_month and costs.month <= as_of.month
    -- A line out of use carries nothing.
    inner join {{ ref('ladder') }} as lines
        on costs.column_name = lines.column_name and lines.is_used
    where costs.cost_type = 'bad_debt'
    group by costs.customer_id
),

-- Only customers in a class: new, lost and internal customers are no measure for anybody.
customers as (
    select
        segments.customer_id,
        segments.month,
        segments.segment,
        segments.size_class,
        segments.is_good_customer,
        sums.list_sales,
        {%- for driver, cost, base in drivers %}
        sums.{{ cost }}{{ ' - coalesce(bad_debts.amount, 0) as ' ~ cost if cost == bad_debt_line }},
        {%- endfor %}
        sums.db3,
        sums.net_sales,
        sums.invoiced_sales,
        -- Who is measured whole: each rate has a base.
        sums.list_sales > 0 and sums.invoiced_sales > 0 and sums.net_sales > 0 as is_measure
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
    left join bad_debts
        on segments.customer_id = bad_debts.customer_id
),

costs as (
    {%- for driver, cost, base in drivers + [('db3', 'db3', 'net_sales')] %}
    select
        customer_id,
        month,
        segment,
        size_class,
        is_good_customer,
        is_measure,
        '{{ driver }}' as driver,
        {{ cost }} as cost,
        {{ base }} as base
    from customers
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

rates as (
    select
        *,
        {{ safe_ratio('cost', 'base') }} as rate
    from costs
),

-- The groups that a customer may be measured by, the nearest first.
groups as (
    select
        customer_id,
        driver,
        1 as preference,
        'size_class' as benchmark_group,
        size_class as group_name,
        rate,
        is_measure and is_good_customer as is_member
    from rates
    where size_class is not null
    union all
    select
        customer_id,
        driver,
        2 as preference,
        'good_customers' as benchmark_group,
        {{ good_customers_name() }} as group_name,
        rate,
        is_measure and is_good_customer as is_member
    from rates
    union all
    select
        customer_id,
        driver,
        3 as preference,
        'segment' as benchmark_group,
        segment as group_name,
        rate,
        is_measure as is_member
    from rates
),

-- Each member's place among all of its group.
members as (
    select
        customer_id,
        driver,
        benchmark_group,
        group_name,
        rate,
        row_number() over (
            partition by benchmark_group, group_name, driver order by rate asc nulls last, customer_id asc nulls last
        ) as place
    from groups
    where is_member
),

group_sizes as (
    select
        benchmark_group,
        group_name,
        count(*) as member_count
    from members
    where driver = 'db3'
    group by benchmark_group, group_name
),

-- The customer is no part of what it is measured by.
others as (
    select
        groups.customer_id,
        groups.preference,
        groups.benchmark_group,
        groups.group_name,
        group_sizes.member_count - case when groups.is_member then 1 else 0 end as other_count
    from groups
    inner join group_sizes
        on groups.benchmark_group = group_sizes.benchmark_group and groups.group_name = group_sizes.group_name
    where groups.driver = 'db3'
),

-- The nearest group that is large enough, one for all of a customer's drivers.
ordered as (
    select
        others.*,
        row_number() over (partition by others.customer_id order by others.preference asc nulls last) as choice
    from others
    inner join {{ ref('stg_company') }} as company
        on others.other_count >= company.benchmark_minimum_customers
),

-- The one or two in the middle of the others stand one place further up than among the others, from the customer's own
-- place on.
middles as (
    select
        rates.customer_id,
        rates.driver,
        ordered.benchmark_group,
        ordered.group_name,
        ordered.other_count,
        {{ bigint_div('ordered.other_count + 1', '2') }}
        + case when own.place <= {{ bigint_div('ordered.other_count + 1', '2') }} then 1 else 0 end as lower_place,
        {{ bigint_div('ordered.other_count', '2') }} + 1
        + case when own.place <= {{ bigint_div('ordered.other_count', '2') }} + 1 then 1 else 0 end as upper_place
    from rates
    inner join ordered
        on rates.customer_id = ordered.customer_id and ordered.choice = 1
    left join members as own
        on
            rates.customer_id = own.customer_id
            and rates.driver = own.driver
            and ordered.benchmark_group = own.benchmark_group
            and ordered.group_name = own.group_name
),

benchmarks as (
    select
        middles.customer_id,
        middles.driver,
        middles.benchmark_group,
        middles.other_count,
        cast(
            round(cast(lower_one.rate + upper_one.rate as decimal(19, 6)) * cast(0.5 as decimal(2, 1)), 6)
            as decimal(18, 6)
        ) as benchmark
    from middles
    inner join members as lower_one
        on
            middles.driver = lower_one.driver
            and middles.benchmark_group = lower_one.benchmark_group
            and middles.group_name = lower_one.group_name
            and middles.lower_place = lower_one.place
    inner join members as upper_one
        on
            middles.driver = upper_one.driver
            and middles.benchmark_group = upper_one.benchmark_group
            and middles.group_name = upper_one.group_name
            and middles.upper_place = upper_one.place
),

compared as (
    select
        rates.*,
        benchmarks.benchmark_group,
        benchmarks.other_count,
        benchmarks.benchmark,
        cast(rates.rate - benchmarks.benchmark as decimal(18, 6)) as gap
    from rates
    left join benchmarks
        on rates.customer_id = benchmarks.customer_id and rates.driver = benchmarks.driver
)

select
    customer_id,
    driver,
    month,
    segment,
    size_class,
    is_good_customer,
    is_measure,
    cast(cost as decimal(18, 4)) as cost,
    cast(base as decimal(18, 4)) as base,
    rate,
    benchmark_group,
    cast(other_count as bigint) as benchmark_customers,
    benchmark,
    gap,
    -- What is below the middle is no debt of anybody. Of DB III more is better: what it lacks is a customer's distance.
    cast(
        case
            when driver = 'db3' and benchmark is not null
                then greatest({{ money(exact_product('base', 'benchmark', 4, 6)) }} - cost, 0)
            when gap > 0 then {{ money(exact_product('gap', 'base', 6, 4)) }}
            when gap <= 0 then 0
        end as decimal(18, 4)
    ) as worth
from compared
