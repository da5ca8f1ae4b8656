-- Ledger entries as the company supplies them; their role is decided in int_ledger_entries_valued.
select
    entry_no,
    posting_date,
    account_no,
    amount,
    customer_id,
    cost_center,
    document_no,
    currency,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'ledger_entries') }}
