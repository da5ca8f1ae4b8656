-- Which months the files of expected sources have records of.
select
    feed,
    source,
    source_file,
    month,
    record_count
from {{ source('raw', 'file_months') }}
