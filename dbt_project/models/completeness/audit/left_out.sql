-- Every record that a mapping's where leaves out.
select
    feed,
    source_file,
    file_sha256,
    source_record,
    reason
from {{ ref('stg_left_out') }}
