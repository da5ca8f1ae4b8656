-- Which days the files of expected sources have records of.
select
    feed,
    source,
    source_file,
    day,
    is_month,
    record_count
from {{ source('raw', 'file_days') }}
