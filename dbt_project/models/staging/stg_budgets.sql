-- Budgets as the company supplies them.
select
    month,
    {{ scope_of_policy() }},
    segment,
    net_sales,
    db1,
    db2,
    db3,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'budgets') }}
