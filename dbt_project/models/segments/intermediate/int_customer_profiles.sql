-- What describes a customer, month by month: the sums of 12 months that profiles are summed from, and the customer's
-- own figures that medians are taken of. What a segment's customers have in common belongs in segment_profiles.
{%- set amounts = ['invoiced_sales', 'returns', 'bonus', 'net_sales', 'db1', 'db2', 'db3', 'freight'] %}
{%- set counts = ['order_count', 'line_count', 'visit_count'] %}

-- A customer without an account in the twelve months is described too: with nothing.
with sums as (
    select
        customers.customer_id,
        customers.month,
        {{ each('coalesce(windows.{}, 0) as {}', amounts + counts) }}
    from {{ ref('int_segment_basis') }} as customers
    left join {{ ref('int_customer_windows') }} as windows
        on
            customers.customer_id = windows.customer_id
            and customers.month = windows.month
            and windows.time_window = 'r12'
)

select
    customer_id,
    month,
    {{ each('cast({} as decimal(18, 4)) as {}', amounts + counts) }},
    {{ safe_ratio('db2', 'net_sales') }} as dg2,
    {{ safe_ratio('db3', 'net_sales') }} as dg3,
    {{ safe_ratio('freight', 'invoiced_sales') }} as freight_pct,
    {{ safe_ratio('bonus', 'invoiced_sales') }} as bonus_pct,
    {{ safe_ratio('returns', 'invoiced_sales') }} as return_pct,
    case when order_count > 0 then {{ div_round('invoiced_sales', 'order_count', 4) }} end as order_size,
    {{ safe_ratio('line_count', 'order_count') }} as lines_per_order
from sums
