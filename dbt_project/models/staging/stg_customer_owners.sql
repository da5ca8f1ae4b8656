-- Who is responsible for which customer, as the company supplies it.
select
    customer_id,
    salesperson_id,
    valid_from,
    valid_to,
    share,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'customer_owners') }}
