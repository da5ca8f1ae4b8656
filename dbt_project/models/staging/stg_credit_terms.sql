-- Interest of credit time as the company supplies it; its validity is worked out where it is used.
select
    valid_from,
    interest_rate,
    day_count,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'credit_terms') }}
