{# Fails for each record that the models reject (no exchange rate) in a file that so rejects more than its source
   allows. Files that already held too many unreadable records were stopped at the door. #}
{% macro rejects__are_within_the_allowance() -%}
select
    rejects.feed,
    rejects.source_file,
    rejects.source_sheet,
    rejects.source_record,
    rejects.column_name,
    rejects.raw_value,
    rejects.reason,
    ledger.records_rejected,
    ledger.rejects_allowed
from {{ ref('rejects') }} as rejects
left join {{ ref('row_ledger') }} as ledger
    on
        rejects.feed = ledger.feed
        and rejects.source_file = ledger.source_file
        and rejects.file_sha256 = ledger.file_sha256
left join {{ ref('stg_files') }} as files
    on
        rejects.feed = files.feed
        and rejects.source_file = files.source_file
        and rejects.file_sha256 = files.file_sha256
where
    ledger.records_rejected is null
    or (
        ledger.records_rejected > ledger.rejects_allowed
        and ledger.records_rejected is distinct from files.records_rejected
    )
{%- endmacro %}
