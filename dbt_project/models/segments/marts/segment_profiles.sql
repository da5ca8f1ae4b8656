-- What describes each segment over twelve months: its sums, the ratios of the sums, and the medians of its customers.
-- The good customers (den gode kunde) are a group of their own here, across the segments: every one of them is in a
-- segment too. How a customer differs from them belongs in customer_profile_gaps.
{%- set sums = [
    'invoiced_sales', 'returns', 'bonus', 'net_sales', 'db1', 'db2', 'db3', 'freight', 'order_count', 'line_count',
    'visit_count',
] %}
{%- set money_medians = ['net_sales', 'order_size', 'visit_count'] %}
{%- set ratio_medians = ['dg2', 'dg3', 'freight_pct', 'bonus_pct', 'return_pct', 'lines_per_order'] %}

with members as (
    {%- for name, condition in [('segments.segment', 'true'), (good_customers_name(), 'segments.is_good_customer')] %}
    select
        {{ name }} as segment,
        profiles.month,
        segments.rule_version,
        {%- for column in sums + ratio_medians %}
        profiles.{{ column }},
        {%- endfor %}
        profiles.order_size
    from {{ ref('customer_segments') }} as segments
    inner join {{ ref('int_customer_profiles') }} as profiles
        on segments.customer_id = profiles.customer_id and segments.month = profiles.month
    where {{ condition }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

placed as (
    select
        segment,
        month,
        rule_version,
        {%- for column in sums + ratio_medians %}
        {{ column }},
        {%- endfor %}
        order_size,
        {{- median_places(money_medians + ratio_medians, ['segment', 'month']) }}
    from members
),

summed as (
    select
        segment,
        month,
        {%- for column in sums %}
        cast(sum({{ column }}) as decimal(18, 4)) as {{ column }},
        {%- endfor %}
        {%- for column in money_medians %}
        {{ median_of(column, 4) }} as median_{{ column }},
        {%- endfor %}
        {%- for column in ratio_medians %}
        {{ median_of(column, 6) }} as median_{{ column }},
        {%- endfor %}
        count(*) as customer_count,
        -- One version is in force in a month.
        max(rule_version) as rule_version
    from placed
    group by segment, month
)

select
    segment,
    month,
    cast(customer_count as bigint) as customer_count,
    invoiced_sales,
    returns,
    bonus,
    net_sales,
    db1,
    db2,
    db3,
    freight,
    cast(order_count as bigint) as order_count,
    cast(line_count as bigint) as line_count,
    visit_count,
    {{ safe_ratio('db2', 'net_sales') }} as dg2,
    {{ safe_ratio('db3', 'net_sales') }} as dg3,
    {{ safe_ratio('freight', 'invoiced_sales') }} as freight_pct,
    {{ safe_ratio('bonus', 'invoiced_sales') }} as bonus_pct,
    {{ safe_ratio('returns', 'invoiced_sales') }} as return_pct,
    median_net_sales,
    median_dg2,
    median_dg3,
    median_freight_pct,
    median_bonus_pct,
    median_return_pct,
    median_order_size,
    median_lines_per_order,
    median_visit_count as median_visits,
    rule_version
from summed
