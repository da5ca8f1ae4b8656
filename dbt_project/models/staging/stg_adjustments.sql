-- Manual adjustments as the company supplies them.
select
    adjustment_no,
    month,
    customer_id,
    line_code,
    amount,
    reason,
    author,
    approved_by,
    approved_on,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'adjustments') }}
