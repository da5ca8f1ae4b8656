-- Notes and decisions on customers, as supplied.
select
    note_id,
    customer_id,
    driver,
    decision,
    note,
    written_by,
    written_on,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'customer_notes') }}
