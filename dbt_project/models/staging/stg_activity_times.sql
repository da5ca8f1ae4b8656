-- Minutes per activity as the company supplies them; which version is in force is decided in int_pool_receivers.
select
    cost_pool_id,
    activity_type,
    applies_to,
    valid_from,
    minutes_per_unit,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'activity_times') }}
