-- Fails for each sales line that the valuation lost or repeated, e.g. by a join that finds no or two rows.
{{ config(meta={'dagster': {'ref': {'name': 'int_sales_lines_valued'}}}) }}

with staged as (
    select
        document_no,
        line_no,
        count(*) as row_count
    from {{ ref('stg_sales_lines') }}
    group by document_no, line_no
),

valued as (
    select
        document_no,
        line_no,
        count(*) as row_count
    from {{ ref('int_sales_lines_valued') }}
    group by document_no, line_no
)

select
    coalesce(staged.document_no, valued.document_no) as document_no,
    coalesce(staged.line_no, valued.line_no) as line_no,
    staged.row_count as staged_rows,
    valued.row_count as valued_rows
from staged
full join valued
    on staged.document_no = valued.document_no and staged.line_no = valued.line_no
where staged.row_count is distinct from valued.row_count
