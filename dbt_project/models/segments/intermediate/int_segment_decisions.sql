-- The sales team's latest decision on each customer's segment, day by day: a later decision takes the place of an
-- earlier one, also when it has expired before it. Whether it is in force on a day follows from its dates.
select
    customer_id,
    decided_on,
    segment,
    reason,
    decided_by,
    valid_to,
    coalesce(
        lead(decided_on) over (partition by customer_id order by decided_on asc nulls last), cast('9999-12-31' as date)
    ) as decided_before,
    source_file,
    file_sha256,
    source_sheet,
    source_record
from {{ ref('stg_segment_overrides') }}
