{# Fails for each finding that is not an excess, and for each customer whose visits beyond the plan are not the
   same here and in sales_effort. #}
{% macro terms_beyond_concept__exceed_what_is_agreed() -%}
with as_of as (
    select max(month) as month
    from {{ ref('time_windows') }}
),

visits as (
    select
        effort.customer_id,
        effort.visits_beyond_plan
    from {{ ref('sales_effort') }} as effort
    inner join as_of
        on effort.month = as_of.month
    where effort.visits_beyond_plan > 0
),

visit_terms as (
    select
        customer_id,
        excess
    from {{ ref('terms_beyond_concept') }}
    where term = 'visits'
)

select
    customer_id,
    term,
    excess,
    given - agreed as expected_excess
from {{ ref('terms_beyond_concept') }}
where excess is distinct from given - agreed or excess <= 0
union all
select
    coalesce(visits.customer_id, visit_terms.customer_id) as customer_id,
    'visits' as term,
    visit_terms.excess,
    visits.visits_beyond_plan as expected_excess
from visits
full join visit_terms
    on visits.customer_id = visit_terms.customer_id
where visits.visits_beyond_plan is distinct from visit_terms.excess
{%- endmacro %}
