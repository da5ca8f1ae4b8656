-- Formulas of the company's own KPIs as it supplies them; the formulas in force belong in kpi_formulas.
select
    kpi_id,
    part,
    measure,
    coefficient,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'kpi_formulas') }}
