-- Sales lines as the company supplies them, each with a line number. What a line is worth is decided in
-- int_sales_lines_valued.
--
-- Numbering every line costs as much as reading them all, so only those documents are numbered that lack a number.
{%- set columns = [
    'document_type', 'posting_date', 'customer_id', 'product_id', 'line_type', 'quantity', 'unit_of_measure', 'list_amount',
    'discount_amount', 'net_amount', 'cost_amount', 'currency', 'salesperson_id', 'order_no', 'original_document_no',
    'original_line_no', 'return_reason',
] %}

with unnumbered as (
    select distinct document_no
    from {{ source('raw', 'sales_lines') }}
    where line_no is null
)

select
    document_no,
    line_no,
    {{ each('{}', columns) }},
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'sales_lines') }} as lines
where
    not exists (
        select 1 as found
        from unnumbered
        where unnumbered.document_no = lines.document_no
    )
union all
select
    document_no,
    coalesce(
        line_no,
        cast(
            row_number() over (
                partition by document_no
                order by
                    _source_file asc nulls last, _source_sheet asc nulls last, _source_record asc nulls last
            ) as string
        )
    ) as line_no,
    {{ each('{}', columns) }},
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'sales_lines') }} as lines
where
    exists (
        select 1 as found
        from unnumbered
        where unnumbered.document_no = lines.document_no
    )
