-- What became of every record of every file. Records without an exchange rate are found after loading, so they
-- move from loaded to rejected here; which records they are is listed in the model rejects.
with currency_rejects as (
    select
        'sales_lines' as feed,
        source_file,
        file_sha256,
        sum(record_count) as record_count
    from {{ ref('int_sales_documents') }}
    where is_rejected
    group by source_file, file_sha256
    union all
    select
        'ledger_entries' as feed,
        source_file,
        file_sha256,
        count(*) as record_count
    from {{ ref('int_ledger_entries_valued') }}
    where is_rejected
    group by source_file, file_sha256
),

counted as (
    select
        files.feed,
        files.source_file,
        files.file_sha256,
        files.records_read,
        files.records_loaded - coalesce(currency_rejects.record_count, 0) as records_loaded,
        files.records_rejected + coalesce(currency_rejects.record_count, 0) as records_rejected,
        files.records_left_out,
        files.rejects_allowed
    from {{ ref('stg_files') }} as files
    left join currency_rejects
        on
            files.feed = currency_rejects.feed
            and files.source_file = currency_rejects.source_file
            and files.file_sha256 = currency_rejects.file_sha256
)

select
    feed,
    source_file,
    file_sha256,
    cast(records_read as bigint) as records_read,
    cast(records_loaded as bigint) as records_loaded,
    cast(records_rejected as bigint) as records_rejected,
    cast(records_left_out as bigint) as records_left_out,
    cast(rejects_allowed as bigint) as rejects_allowed,
    coalesce(records_read = records_loaded + records_rejected + records_left_out, false) as is_balanced
from counted
