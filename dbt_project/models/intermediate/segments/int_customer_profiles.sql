-- What describes a customer, month by month: the sums of 12 months that profiles are summed from, and the customer's
-- own figures that medians are taken of. What a segment's customers have in common belongs in segment_profiles.
{%- set amounts = ['invoiced_sales', 'returns', 'bonus', 'net_sales', 'db1', 'db2', 'db3', 'freight'] %}
{%- set counts = ['order_count', 'line_count', 'visit_count'] %}

-- A customer without an account in the twelve months is described too: with nothing.
with sums as (
    select
        segments.customer_id,
        segments.month,
        segments.segment,
        {%- for column in amounts + counts %}
        coalesce(windows.{{ column }}, 0) as {{ column }},
        {%- endfor %}
        segments.is_good_customer
    from {{ ref('customer_segments') }} as segments
    left join {{ ref('int_customer_windows') }} as windows
        on
            segments.customer_id = windows.customer_id
            and segments.month = windows.month
            and windows.time_window = 'r12'
)

select
    customer_id,
    month,
    segment,
    is_good_customer,
    {%- for column in amounts + counts %}
    cast({{ column }} as decimal(18, 4)) as {{ column }},
    {%- endfor %}
    {{ safe_ratio('db2', 'net_sales') }} as dg2,
    {{ safe_ratio('db3', 'net_sales') }} as dg3,
    {{ safe_ratio('freight', 'invoiced_sales') }} as freight_pct,
    {{ safe_ratio('bonus', 'invoiced_sales') }} as bonus_pct,
    {{ safe_ratio('returns', 'invoiced_sales') }} as return_pct,
    case when order_count > 0 then {{ div_round('invoiced_sales', 'order_count', 4) }} end as order_size,
    {{ safe_ratio('line_count', 'order_count') }} as lines_per_order
from sums
