{# Per closed month, customer, line and file that is new or changed: the listed postings are the amount as it is
   now. #}
{% macro late_postings__add_up_to_the_restated_amounts() -%}
with parts as (
    select
        month,
        customer_id,
        line_code,
        source,
        current_amount as restated,
        0 as listed
    from {{ ref('restatements') }}
    where cause in ('new_file', 'changed_file')
    union all
    select
        month,
        customer_id,
        line_code,
        source_file as source,
        0 as restated,
        amount as listed
    from {{ ref('late_postings') }}
    where customer_id is not null
)

select
    month,
    customer_id,
    line_code,
    source,
    sum(restated) as restated,
    sum(listed) as listed
from parts
group by month, customer_id, line_code, source
having sum(restated) is distinct from sum(listed)
{%- endmacro %}
