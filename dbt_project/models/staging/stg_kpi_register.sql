-- The company's own words for its KPIs; the register in force is kpi_register.
select
    kpi_id,
    name_da,
    name_en,
    definition,
    unit,
    direction,
    owner,
    influence,
    purpose,
    misses,
    measured_today,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'kpi_register') }}
