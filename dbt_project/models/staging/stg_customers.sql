-- Customers as the company supplies them.
select
    customer_id,
    customer_name,
    parent_customer_id,
    cvr_number,
    country_code,
    industry,
    customer_group,
    payment_terms_days,
    customer_since,
    is_internal,
    is_sole_trader,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'customers') }}
