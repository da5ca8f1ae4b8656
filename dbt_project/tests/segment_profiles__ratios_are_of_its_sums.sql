-- Fails for each segment and month with a ratio that is not its own sums divided, such as an average of
-- other ratios, or that has one although the denominator is not positive.
{{ config(meta={'dagster': {'ref': {'name': 'segment_profiles'}}}) }}

select
    segment,
    month,
    db2,
    net_sales,
    db3,
    freight,
    invoiced_sales,
    bonus,
    returns,
    dg2,
    dg3,
    freight_pct,
    bonus_pct,
    return_pct
from {{ ref('segment_profiles') }}
where
    {{ any_is_not_ratio([
        ('dg2', 'db2', 'net_sales'),
        ('dg3', 'db3', 'net_sales'),
        ('freight_pct', 'freight', 'invoiced_sales'),
        ('bonus_pct', 'bonus', 'invoiced_sales'),
        ('return_pct', 'returns', 'invoiced_sales'),
    ]) }}
