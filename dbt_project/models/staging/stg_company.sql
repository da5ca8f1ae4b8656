-- The company whose accounts these are: settings only, no rules.
select
    company_name,
    currency,
    minor_unit,
    fiscal_year_start,
    locale,
    credit_interest_rate,
    day_count,
    reconciliation_tolerance
from {{ source('raw', 'company') }}
