-- The company whose accounts these are: settings only, no rules.
select
    company_name,
    currency,
    minor_unit,
    fiscal_year_start,
    locale,
    credit_interest_rate,
    day_count,
    reconciliation_tolerance,
    ledger_closed_to,
    analysis_months,
    pvm_leaf,
    benchmark_minimum_customers,
    segment_level,
    rates
from {{ source('raw', 'company') }}
