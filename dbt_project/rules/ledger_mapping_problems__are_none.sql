{# Fails for each ledger account without a usable role and each cost pool without a usable rule. #}
{% macro ledger_mapping_problems__are_none() -%}
select
    kind,
    account_no,
    cost_pool_id,
    month,
    problem,
    account_role,
    amount
from {{ ref('ledger_mapping_problems') }}
{%- endmacro %}
