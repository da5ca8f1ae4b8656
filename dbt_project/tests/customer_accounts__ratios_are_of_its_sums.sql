-- Fails for each customer and month with a ratio that is not its own sums divided, such as an average of
-- other ratios, or that has one although the denominator is not positive.
{{ config(meta={'dagster': {'ref': {'name': 'customer_accounts'}}}) }}

select
    customer_id,
    month,
    db1,
    net_sales,
    db2,
    db3,
    dg1,
    dg2,
    dg3
from {{ ref('customer_accounts') }}
where {{ any_is_not_ratio([('dg1', 'db1', 'net_sales'), ('dg2', 'db2', 'net_sales'), ('dg3', 'db3', 'net_sales')]) }}
