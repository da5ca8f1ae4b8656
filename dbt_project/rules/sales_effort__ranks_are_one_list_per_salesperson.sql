{# Fails for each salesperson and month whose ranks are not 1, 2, 3 and on, without a gap or a rank given twice. #}
{% macro sales_effort__ranks_are_one_list_per_salesperson() -%}
select
    salesperson_id,
    month,
    count(*) as customer_count,
    count(distinct priority_rank) as rank_count,
    min(priority_rank) as first_rank,
    max(priority_rank) as last_rank
from {{ ref('sales_effort') }}
group by salesperson_id, month
having
    min(priority_rank) is distinct from 1
    or max(priority_rank) is distinct from count(*)
    or count(distinct priority_rank) is distinct from count(*)
{%- endmacro %}
