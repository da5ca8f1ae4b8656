-- The files behind the figures on which months were closed.
select
    publication,
    feed,
    source_file,
    file_sha256
from {{ ref('stg_closed_files') }}
