{# Fails for each month and line whose difference is not the sum of its parts. #}
{% macro ledger_reconciliation__parts_add_up_to_the_difference() -%}
select
    month,
    line_code,
    difference,
    unexplained
from {{ ref('ledger_reconciliation') }}
where
    difference is distinct from account_amount - ledger_amount
    or difference is distinct from
    adjustment + notional + unused_capacity + unallocated + rate_difference + without_customer + timing
    + exchange_difference + rounding + unmapped_account + unexplained
{%- endmacro %}
