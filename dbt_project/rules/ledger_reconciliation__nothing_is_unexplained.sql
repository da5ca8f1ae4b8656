{# Fails for each month and line whose difference to the ledger nothing explains. #}
{% macro ledger_reconciliation__nothing_is_unexplained() -%}
select
    reconciliation.month,
    reconciliation.line_code,
    reconciliation.account_amount,
    reconciliation.ledger_amount,
    reconciliation.difference,
    reconciliation.unexplained
from {{ ref('ledger_reconciliation') }} as reconciliation
cross join {{ ref('stg_company') }} as company
where
    reconciliation.unexplained > company.reconciliation_tolerance
    or reconciliation.unexplained < -company.reconciliation_tolerance
{%- endmacro %}
