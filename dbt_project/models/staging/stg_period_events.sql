-- Closing and reopening of months, as they were decided. Which months are closed now is in period_closes.
select
    event_no,
    month,
    event,
    publication,
    decided_by,
    decided_on,
    reason,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'period_events') }}
