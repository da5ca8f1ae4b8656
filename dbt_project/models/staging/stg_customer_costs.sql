-- Direct customer costs as the company supplies them; their line in the account is decided in
-- int_customer_costs_valued.
select
    cost_no,
    posting_date,
    customer_id,
    cost_type,
    amount,
    document_no,
    account_no,
    settles_month,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'customer_costs') }}
