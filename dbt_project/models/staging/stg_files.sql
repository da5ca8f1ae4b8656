-- Files that were read, with their record counts.
select
    feed,
    source_file,
    file_sha256,
    records_read,
    records_loaded,
    records_rejected,
    records_left_out,
    rejects_allowed
from {{ source('raw', 'files') }}
