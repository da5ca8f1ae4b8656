-- Every closing and reopening of a month, and which of them is in force: the last of its month.
select
    event_no,
    month,
    event,
    publication,
    decided_by,
    decided_on,
    reason,
    event_no = max(event_no) over (partition by month) as is_in_force,
    source_file,
    source_sheet,
    source_record
from {{ ref('stg_period_events') }}
