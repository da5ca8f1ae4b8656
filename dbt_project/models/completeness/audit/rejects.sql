-- Every record that is in no mart because it could not be read or valued, with the reason.
-- Several sources may read one record of a file and find the same: that is one row.
with listed as (
    select
        feed,
        source_file,
        file_sha256,
        source_sheet,
        source_record,
        column_name,
        raw_value,
        reason
    from {{ ref('stg_rejects') }}
    {%- for feed, relation in [
        ('sales_lines', ref('int_sales_lines_valued')), ('ledger_entries', ref('int_ledger_entries_valued')),
    ] %}
    union all
    select
        '{{ feed }}' as feed,
        source_file,
        file_sha256,
        source_sheet,
        source_record,
        'currency' as column_name,
        currency as raw_value,
        'no exchange rate for ' || currency || ' on or before ' || cast(posting_date as string) as reason
    from {{ relation }}
    where is_rejected
    {%- endfor %}
)

select
    feed,
    source_file,
    file_sha256,
    source_sheet,
    source_record,
    column_name,
    raw_value,
    reason,
    cast(count(*) as bigint) as record_count
from listed
group by feed, source_file, file_sha256, source_sheet, source_record, column_name, raw_value, reason
