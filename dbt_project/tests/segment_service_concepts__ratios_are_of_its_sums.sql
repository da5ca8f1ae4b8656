-- Fails for each segment and month with a ratio that is not its own sums divided, such as an average of
-- other ratios, or that has one although the denominator is not positive.
{{ config(meta={'dagster': {'ref': {'name': 'segment_service_concepts'}}}) }}

select
    segment,
    month,
    concept_cost,
    invoiced_sales,
    concept_cost_rate
from {{ ref('segment_service_concepts') }}
where {{ any_is_not_ratio([('concept_cost_rate', 'concept_cost', 'invoiced_sales')]) }}
