{# Fails for each bonus agreement whose tiers differ in basis, method or end. #}
{% macro stg_bonus_agreements__tiers_of_an_agreement_agree() -%}
select
    customer_id,
    valid_from
from {{ ref('stg_bonus_agreements') }}
group by customer_id, valid_from
having
    count(distinct basis) > 1
    or count(distinct tier_method) > 1
    or count(distinct coalesce(cast(valid_to as string), 'open')) > 1
{%- endmacro %}
