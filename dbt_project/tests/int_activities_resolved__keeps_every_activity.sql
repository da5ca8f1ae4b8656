-- Fails for each activity that got lost or repeated on its way to a customer.
{{ config(meta={'dagster': {'ref': {'name': 'int_activities_resolved'}}}) }}

with resolved as (
    select
        activity_no,
        count(*) as row_count
    from {{ ref('int_activities_resolved') }}
    group by activity_no
)

select
    coalesce(staged.activity_no, resolved.activity_no) as activity_no,
    resolved.row_count as resolved_rows
from {{ ref('stg_activities') }} as staged
full join resolved
    on staged.activity_no = resolved.activity_no
where staged.activity_no is null or resolved.row_count is distinct from 1
