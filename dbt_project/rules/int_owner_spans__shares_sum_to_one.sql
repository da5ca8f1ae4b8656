{# The shares of each span of days sum to 1. Below 1, 'Ikke tildelt' has the rest; above 1, the owners that the
   company supplies claim more than the customer, and the sentence says whose record to correct. #}
{% macro int_owner_spans__shares_sum_to_one() -%}
with spans as (
    select
        customer_id,
        span_from,
        sum(share) as share
    from {{ ref('int_owner_spans') }}
    group by customer_id, span_from
    having sum(share) is distinct from 1
)

select
    spans.customer_id,
    spans.span_from as from_day,
    spans.share as sum_of_shares,
    owners.salesperson_id,
    owners.source_file,
    owners.source_sheet,
    owners.source_record,
    'Lower one of the shares, so that they give at most 1, or end one of the owners.' as what_to_do
from spans
left join {{ ref('stg_customer_owners') }} as owners
    on spans.customer_id = owners.customer_id and spans.span_from = owners.valid_from
{%- endmacro %}
