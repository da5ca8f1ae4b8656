-- Segment overrides by the sales team, as supplied.
select
    customer_id,
    decided_on,
    segment,
    reason,
    decided_by,
    valid_to,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'segment_overrides') }}
