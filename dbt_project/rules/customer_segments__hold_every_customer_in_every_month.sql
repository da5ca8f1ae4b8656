{# Fails for each customer and month from the first account on that is not in exactly one segment, and for each
   segment of a customer before the first account. #}
{% macro customer_segments__hold_every_customer_in_every_month() -%}
with first_accounts as (
    select
        customer_id,
        min(month) as first_month
    from {{ ref('customer_accounts') }}
    group by customer_id
),

expected as (
    select
        first_accounts.customer_id,
        windows.month
    from first_accounts
    inner join {{ ref('time_windows') }} as windows
        on first_accounts.first_month <= windows.month and windows.time_window = 'month'
),

segments as (
    select
        customer_id,
        month,
        count(segment) as segment_count
    from {{ ref('customer_segments') }}
    group by customer_id, month
)

select
    coalesce(expected.customer_id, segments.customer_id) as customer_id,
    coalesce(expected.month, segments.month) as month,
    coalesce(segments.segment_count, 0) as segment_count
from expected
full join segments
    on expected.customer_id = segments.customer_id and expected.month = segments.month
where expected.customer_id is null or segments.segment_count is distinct from 1
{%- endmacro %}
