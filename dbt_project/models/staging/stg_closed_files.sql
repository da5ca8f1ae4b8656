-- The files that the publications were made from on which months were closed.
select
    publication,
    feed,
    source_file,
    file_sha256
from {{ source('raw', 'closed_files') }}
