-- Fails for each customer and month with a ratio that is not its own sums divided, such as an average of
-- other ratios, or that has one although the denominator is not positive.
{{ config(meta={'dagster': {'ref': {'name': 'customer_segments'}}}) }}

select
    customer_id,
    month,
    db2_r12,
    net_sales_r12,
    dg2_r12
from {{ ref('customer_segments') }}
where {{ any_is_not_ratio([('dg2_r12', 'db2_r12', 'net_sales_r12')]) }}
