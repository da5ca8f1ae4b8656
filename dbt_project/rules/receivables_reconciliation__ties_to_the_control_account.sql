{# Fails for each month in which the customer ledger and its control account in the ledger move differently. #}
{% macro receivables_reconciliation__ties_to_the_control_account() -%}
select
    reconciliation.month,
    reconciliation.invoiced,
    reconciliation.paid,
    reconciliation.written_off,
    reconciliation.ledger_movement,
    reconciliation.difference
from {{ ref('receivables_reconciliation') }} as reconciliation
cross join {{ ref('stg_company') }} as company
where
    reconciliation.difference > company.reconciliation_tolerance
    or reconciliation.difference < -company.reconciliation_tolerance
{%- endmacro %}
