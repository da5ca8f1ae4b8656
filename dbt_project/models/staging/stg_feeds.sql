-- Which feeds the company supplies.
select
    feed,
    is_supplied,
    file_count
from {{ source('raw', 'feeds') }}
