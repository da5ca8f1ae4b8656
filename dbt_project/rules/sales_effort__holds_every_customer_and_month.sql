{# Fails for each customer and month that is in one of customer_segments and sales_effort and not in the other,
   or in another segment there. #}
{% macro sales_effort__holds_every_customer_and_month() -%}
select
    coalesce(segments.customer_id, effort.customer_id) as customer_id,
    coalesce(segments.month, effort.month) as month,
    segments.segment as segment_in_customer_segments,
    effort.segment
from {{ ref('customer_segments') }} as segments
full join {{ ref('sales_effort') }} as effort
    on segments.customer_id = effort.customer_id and segments.month = effort.month
where
    segments.customer_id is null
    or effort.customer_id is null
    or segments.segment is distinct from effort.segment
    or segments.is_good_customer is distinct from effort.is_good_customer
{%- endmacro %}
