-- The periods of the company's fiscal years as the company supplies them.
select
    fiscal_year,
    period_no,
    first_day,
    last_day,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'fiscal_calendar') }}
