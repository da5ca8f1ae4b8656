-- Products as the company supplies them.
select
    product_id,
    product_name,
    product_group,
    unit_of_measure,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'products') }}
