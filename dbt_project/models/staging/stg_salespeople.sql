-- Salespeople as the company supplies them.
select
    salesperson_id,
    salesperson_name,
    team,
    manager_id,
    visit_capacity_minutes,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'salespeople') }}
