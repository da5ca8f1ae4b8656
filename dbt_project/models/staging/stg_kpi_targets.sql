-- KPI targets as the company supplies them.
select
    kpi_id,
    {{ scope_of_policy() }},
    segment,
    month_from,
    month_to,
    target_value,
    baseline_month_from,
    baseline_month_to,
    approved_by,
    approved_on,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'kpi_targets') }}
