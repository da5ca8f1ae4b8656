-- Standard rates of cost pools as the company supplies them; where they hold is decided in int_pool_months.
select
    cost_pool_id,
    fiscal_year,
    standard_rate,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'standard_rates') }}
