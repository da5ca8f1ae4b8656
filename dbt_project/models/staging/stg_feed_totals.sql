-- Totals of the files when they were read, of the lake, and of what is not handed on from there.
select
    feed,
    stage,
    measure,
    total
from {{ source('raw', 'feed_totals') }}
