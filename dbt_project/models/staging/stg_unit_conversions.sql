-- Conversions of units as the company supplies them; how they are used is decided in int_product_units.
select
    product_id,
    unit_of_measure,
    factor,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'unit_conversions') }}
