-- The number series of sales documents: what stands before the last digits of a document number, and how far the
-- numbers run. A series is sequential when most of its numbers are there; only then a missing one means something.
-- Which are missing is in document_gaps.
with documents as (
    select
        document_no,
        min(posting_date) as posting_date,
        trim(trailing '0123456789' from document_no) as series
    from {{ ref('int_sales_documents') }}
    group by document_no
),

numbered as (
    select
        series,
        cast(substr(document_no, length(series) + 1) as decimal(18, 0)) as number,
        posting_date
    from documents
    where length(document_no) > length(series) and length(document_no) - length(series) <= 18
),

measured as (
    select
        series,
        cast(count(distinct number) as bigint) as document_count,
        min(number) as first_number,
        max(number) as last_number,
        cast(max(number) - min(number) + 1 as decimal(19, 0)) as spanned_count,
        min(posting_date) as first_posting_date,
        max(posting_date) as last_posting_date
    from numbered
    group by series
)

select
    series,
    document_count,
    cast(first_number as decimal(18, 0)) as first_number,
    cast(last_number as decimal(18, 0)) as last_number,
    cast(case when document_count * 2 >= spanned_count then spanned_count - document_count end as bigint)
        as missing_count,
    document_count * 2 >= spanned_count as is_sequential,
    first_posting_date,
    last_posting_date
from measured
