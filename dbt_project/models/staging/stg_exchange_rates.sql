-- Exchange rates as the company supplies them; their validity is worked out where they are used.
select
    currency,
    rate_date,
    rate,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_record as source_record
from {{ source('raw', 'exchange_rates') }}
