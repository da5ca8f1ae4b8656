-- Fails for each ledger entry that the valuation lost or repeated.
{{ config(meta={'dagster': {'ref': {'name': 'int_ledger_entries_valued'}}}) }}

with valued as (
    select
        entry_no,
        count(*) as row_count,
        sum(source_amount) as amount
    from {{ ref('int_ledger_entries_valued') }}
    group by entry_no
)

select
    coalesce(staged.entry_no, valued.entry_no) as entry_no,
    staged.amount as staged_amount,
    valued.amount as valued_amount,
    valued.row_count as valued_rows
from {{ ref('stg_ledger_entries') }} as staged
full join valued
    on staged.entry_no = valued.entry_no
where staged.amount is distinct from valued.amount or valued.row_count is distinct from 1
