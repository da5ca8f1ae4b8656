-- Records that the mapping leaves out.
select
    feed,
    source_file,
    file_sha256,
    source_sheet,
    source_record,
    reason
from {{ source('raw', 'left_out') }}
