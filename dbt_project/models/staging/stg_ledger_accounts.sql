-- The chart of accounts as the company supplies it.
select
    account_no,
    account_name,
    account_role,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'ledger_accounts') }}
