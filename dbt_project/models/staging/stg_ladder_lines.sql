-- What the company's form of the account differs in from the standard.
select
    line_code,
    position,
    name_da,
    name_en,
    is_used,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'ladder_lines') }}
