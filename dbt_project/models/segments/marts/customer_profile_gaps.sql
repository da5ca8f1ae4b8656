-- How each classed customer differs from the good customer in the last month, characteristic by characteristic. What a
-- gap is worth in kroner does not belong here.
-- Each characteristic: the customer's figure, the good customers' median, and which way is worse (visits: neither).
{%- set characteristics = [
    ('net_sales', 'net_sales', 'median_net_sales', 'lower'),
    ('dg2', 'dg2', 'median_dg2', 'lower'),
    ('dg3', 'dg3', 'median_dg3', 'lower'),
    ('freight_pct', 'freight_pct', 'median_freight_pct', 'higher'),
    ('bonus_pct', 'bonus_pct', 'median_bonus_pct', 'higher'),
    ('return_pct', 'return_pct', 'median_return_pct', 'higher'),
    ('order_size', 'order_size', 'median_order_size', 'lower'),
    ('lines_per_order', 'lines_per_order', 'median_lines_per_order', 'lower'),
    ('visits', 'visit_count', 'median_visits', none),
] %}

with as_of as (
    select max(month) as month
    from {{ ref('time_windows') }}
),

customers as (
    select
        profiles.customer_id,
        profiles.month,
        {%- for name, column, median, worse in characteristics %}
        profiles.{{ column }},
        good.{{ median }},
        {%- endfor %}
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
    {%- for name, column, median, worse in characteristics %}
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
        {%- endif %} as is_worse
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
    is_worse
from characteristics
