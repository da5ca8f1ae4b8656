-- Documents of the customer ledger as the company supplies them; what their credit time costs is computed in
-- int_credit_costs.
select
    document_no,
    customer_id,
    invoice_date,
    due_date,
    paid_date,
    amount,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'receivables') }}
