-- Records that could not be read.
select
    feed,
    source_file,
    file_sha256,
    source_sheet,
    source_record,
    column_name,
    raw_value,
    reason
from {{ source('raw', 'rejects') }}
