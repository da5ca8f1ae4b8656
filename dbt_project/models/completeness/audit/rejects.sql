-- Every record that is in no mart because it could not be read or valued, with the reason.
-- Several sources may read one record of a file and find the same: that is one row.
with listed as (
    select
        feed,
        source_file,
        file_sha256,
        source_record,
        column_name,
        raw_value,
        reason
    from {{ ref('stg_rejects') }}
    union all
    select
        'sales_lines' as feed,
        source_file,
        file_sha256,
        source_record,
        'currency' as column_name,
        currency as raw_value,
        'no exchange rate for ' || currency || ' on or before ' || cast(posting_date as string) as reason
    from {{ ref('int_sales_lines_valued') }}
    where is_rejected
    union all
    select
        'ledger_entries' as feed,
        source_file,
        file_sha256,
        source_record,
        'currency' as column_name,
        currency as raw_value,
        'no exchange rate for ' || currency || ' on or before ' || cast(posting_date as string) as reason
    from {{ ref('int_ledger_entries_valued') }}
    where is_rejected
)

select
    feed,
    source_file,
    file_sha256,
    source_record,
    column_name,
    raw_value,
    reason,
    cast(count(*) as bigint) as record_count
from listed
group by feed, source_file, file_sha256, source_record, column_name, raw_value, reason
