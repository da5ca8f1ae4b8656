-- Cost pools as the company supplies them; which version is in force is decided in int_pool_months.
select
    cost_pool_id,
    valid_from,
    pool_name,
    ladder_line,
    method,
    driver,
    practical_capacity_minutes,
    applies_to,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'cost_pools') }}
