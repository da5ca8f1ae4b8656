-- Exchange rates as the company supplies them, and from which day to which each applies: to the day before the next
-- one of its currency. Conversion belongs where an amount is valued.
select
    currency,
    rate_date,
    rate,
    rate_date as valid_from,
    coalesce(
        lead(rate_date) over (partition by currency order by rate_date asc nulls last),
        cast('9999-12-31' as date)
    ) as valid_before,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'exchange_rates') }}
