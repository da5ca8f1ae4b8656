-- Fails for each rejected record of a file that rejects more records than its source allows, so that the reader
-- sees at once which they are and why.
{{ config(meta={'dagster': {'ref': {'name': 'rejects'}}}) }}

select
    rejects.feed,
    rejects.source_file,
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
where ledger.records_rejected is null or ledger.records_rejected > ledger.rejects_allowed
