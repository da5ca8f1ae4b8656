{# Fails for each file whose listed rejects and left-out records are not those the row ledger counts. #}
{% macro rejects__are_counted_in_the_row_ledger() -%}
with listed as (
    select
        feed,
        source_file,
        file_sha256,
        sum(record_count) as rejected,
        0 as left_out
    from {{ ref('rejects') }}
    group by feed, source_file, file_sha256
    union all
    select
        feed,
        source_file,
        file_sha256,
        0 as rejected,
        sum(record_count) as left_out
    from {{ ref('left_out') }}
    group by feed, source_file, file_sha256
),

listed_files as (
    select
        feed,
        source_file,
        file_sha256,
        sum(rejected) as rejected,
        sum(left_out) as left_out
    from listed
    group by feed, source_file, file_sha256
)

select
    coalesce(ledger.feed, listed_files.feed) as feed,
    coalesce(ledger.source_file, listed_files.source_file) as source_file,
    ledger.records_rejected,
    listed_files.rejected as listed_rejects,
    ledger.records_left_out,
    listed_files.left_out as listed_left_out
from {{ ref('row_ledger') }} as ledger
full join listed_files
    on
        ledger.feed = listed_files.feed
        and ledger.source_file = listed_files.source_file
        and ledger.file_sha256 = listed_files.file_sha256
where
    coalesce(ledger.records_rejected, 0) is distinct from coalesce(listed_files.rejected, 0)
    or coalesce(ledger.records_left_out, 0) is distinct from coalesce(listed_files.left_out, 0)
{%- endmacro %}
