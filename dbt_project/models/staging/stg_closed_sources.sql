-- What the lines of closed months were made of when they were closed, as that publication has it.
select
    publication,
    month,
    customer_id,
    line_code,
    feed,
    source,
    file_sha256,
    amount,
    posting_count
from {{ source('raw', 'closed_sources') }}
