-- Unit costs as the company supplies them; their validity is worked out where they are used.
select
    product_id,
    valid_from,
    unit_cost,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'product_costs') }}
