-- Every record that a mapping's where leaves out.
-- Several sources may read one record of a file and find the same: that is one row.
select
    feed,
    source_file,
    file_sha256,
    source_sheet,
    source_record,
    reason,
    cast(count(*) as bigint) as record_count
from {{ ref('stg_left_out') }}
group by feed, source_file, file_sha256, source_sheet, source_record, reason
