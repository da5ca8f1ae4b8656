-- What each segment is promised, and what keeping the promise costs: the service concept in force beside the costs of
-- the segment's customers. Segments without a concept have their row, so that the sums are the company's. What one
-- customer gets beyond its concept belongs in terms_beyond_concept.
{%- set costs = ['sales_effort_cost', 'order_cost', 'freight', 'bonus'] %}

with customers as (
    select
        segments.segment,
        segments.month,
        {%- for cost in costs %}
        coalesce(sums.{{ cost }}, 0) as {{ cost }},
        {%- endfor %}
        coalesce(sums.visit_count, 0) as visit_count,
        coalesce(sums.invoiced_sales, 0) as invoiced_sales
    from {{ ref('customer_segments') }} as segments
    left join {{ ref('int_customer_windows') }} as sums
        on
            segments.customer_id = sums.customer_id
            and segments.month = sums.month
            and sums.time_window = 'r12'
),

totals as (
    select
        segment,
        month,
        count(*) as customer_count,
        sum(visit_count) as visit_count,
        sum(invoiced_sales) as invoiced_sales,
        {%- for cost in costs %}
        sum({{ cost }}) as {{ cost }},
        {%- endfor %}
        sum({{ costs | join(' + ') }}) as concept_cost
    from customers
    group by segment, month
)

select
    coalesce(concepts.month, totals.month) as month,
    coalesce(concepts.segment, totals.segment) as segment,
    concepts.valid_from as concept_valid_from,
    concepts.services,
    concepts.visits_per_year,
    concepts.order_channel,
    concepts.freight_terms,
    concepts.free_freight_from,
    concepts.minimum_order,
    concepts.bonus_terms,
    concepts.maximum_bonus_rate,
    concepts.maximum_payment_days,
    cast(coalesce(totals.customer_count, 0) as bigint) as customer_count,
    cast(coalesce(totals.visit_count, 0) as decimal(18, 4)) as visit_count,
    cast(coalesce(totals.invoiced_sales, 0) as decimal(18, 4)) as invoiced_sales,
    {%- for cost in costs + ['concept_cost'] %}
    cast(coalesce(totals.{{ cost }}, 0) as decimal(18, 4)) as {{ cost }},
    {%- endfor %}
    {{ safe_ratio('totals.concept_cost', 'totals.invoiced_sales') }} as concept_cost_rate,
    {{ div_round('totals.visit_count', 'totals.customer_count', 4) }} as visit_count_per_customer,
    {%- for cost in costs %}
    {{ div_round('totals.' ~ cost, 'totals.customer_count', 4) }} as {{ cost }}_per_customer,
    {%- endfor %}
    {{ div_round('totals.concept_cost', 'totals.customer_count', 4) }} as concept_cost_per_customer
from {{ ref('int_service_concept_months') }} as concepts
full join totals
    on concepts.segment = totals.segment and concepts.month = totals.month
