-- From which day to which day each exchange rate applies. Conversion itself belongs where an amount is valued.
select
    currency,
    rate,
    rate_date as valid_from,
    coalesce(
        lead(rate_date) over (partition by currency order by rate_date asc nulls last),
        cast('9999-12-31' as date)
    ) as valid_before
from {{ ref('stg_exchange_rates') }}
