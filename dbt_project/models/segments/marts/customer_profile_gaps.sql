-- How each classed customer differs from the good customer in the last month, characteristic by characteristic, and
-- what the difference of a ratio comes to. What to do about it, nothing twice, belongs in customer_actions.
-- Each characteristic: the customer's figure, the good customers' median, which way is worse (visits: neither), and
-- what a ratio is a share of, where that is an amount.
{%- set characteristics = [
    ('net_sales', 'net_sales', 'median_net_sales', 'lower', none),
    ('dg2', 'dg2', 'median_dg2', 'lower', 'net_sales'),
    ('dg3', 'dg3', 'median_dg3', 'lower', 'net_sales'),
    ('freight_pct', 'freight_pct', 'median_freight_pct', 'higher', 'invoiced_sales'),
    ('bonus_pct', 'bonus_pct', 'median_bonus_pct', 'higher', 'invoiced_sales'),
    ('return_pct', 'return_pct', 'median_return_pct', 'higher', 'invoiced_sales'),
    ('order_size', 'order_size', 'median_order_size', 'lower', none),
    ('lines_per_order', 'lines_per_order', 'median_lines_per_order', 'lower', none),
    ('visits', 'visit_count', 'median_visits', none, none),
] %}

with as_of as (
    select max(month) as month
    from {{ ref('time_windows') }}
),

customers as (
    select
        profiles.customer_id,
        profiles.month,
        {%- for name, column, median, worse, base in characteristics %}
        profiles.{{ column }},
        good.{{ median }},
        {%- endfor %}
        profiles.invoiced_sales,
        segments.segment
    from {{ ref('customer_segments') }} as segments
    inner join as_of
        on segments.month = as_of.month
    inner join {{ ref('int_customer_profiles') }} as profiles
        on segments.customer_id = profiles.customer_id and segments.month = profiles.month
    left join {{ ref('segment_profiles') }} as good
        on profiles.month = good.month and good.segment = {{ good_customers_name() }}
    where {{ is_classed('segments.segment') }}
),

characteristics as (
    {%- for name, column, median, worse, base in characteristics %}
    select
        customer_id,
        '{{ name }}' as characteristic,
        month,
        segment,
        cast({{ column }} as decimal(18, 6)) as customer_value,
        cast({{ median }} as decimal(18, 6)) as good_customer_median,
        {% if worse == 'lower' -%}
        {{ column }} < {{ median }}
        {%- elif worse == 'higher' -%}
        {{ column }} > {{ median }}
        {%- else -%}
        cast(null as boolean)
        {%- endif %} as is_worse,
        {% if base is none -%}
        cast(null as decimal(18, 4))
        {%- else -%}
        {{ money(exact_product(
            column ~ ' - ' ~ median if worse == 'higher' else median ~ ' - ' ~ column, base, 6, 4
        )) }}
        {%- endif %} as difference
    from customers
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    customer_id,
    characteristic,
    month,
    segment,
    customer_value,
    good_customer_median,
    cast(customer_value - good_customer_median as decimal(18, 6)) as gap,
    is_worse,
    -- What is better than the good customer's is no debt of anybody.
    cast(case when is_worse then difference when difference is not null then 0 end as decimal(18, 4)) as worth
from characteristics
