-- Activities as the company supplies them.
select
    activity_no,
    activity_date,
    customer_id,
    activity_type,
    quantity,
    minutes,
    drive_minutes,
    salesperson_id,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'activities') }}
