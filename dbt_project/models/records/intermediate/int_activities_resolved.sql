-- Whose every activity is. What an activity costs does not belong here.
select
    activities.source_file,
    activities.file_sha256,
    activities.source_sheet,
    activities.source_record,
    activities.activity_no,
    activities.activity_date,
    {{ period_of('activities.activity_date') }} as month,
    activities.customer_id as carried_customer_id,
    {{ resolved_id('activities.customer_id') }} as customer_id,
    activities.activity_type,
    activities.quantity,
    activities.minutes,
    activities.drive_minutes
from {{ ref('stg_activities') }} as activities
