-- Sources of which a file is expected for every month.
select
    feed,
    source,
    first_month
from {{ source('raw', 'expected_files') }}
