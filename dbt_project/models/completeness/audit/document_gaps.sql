-- Numbers of sales documents that are missing in a sequential series: a document that never arrived, or was deleted.
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
        documents.series,
        documents.document_no,
        documents.posting_date,
        cast(substr(documents.document_no, length(documents.series) + 1) as decimal(18, 0)) as number
    from documents
    inner join {{ ref('document_series') }} as series
        on documents.series = series.series
    where
        series.is_sequential
        and length(documents.document_no) > length(documents.series)
        and length(documents.document_no) - length(documents.series) <= 18
),

neighbours as (
    select
        series,
        number,
        document_no,
        posting_date,
        lag(number) over (partition by series order by number asc nulls last, document_no asc nulls last)
            as number_before,
        lag(document_no) over (partition by series order by number asc nulls last, document_no asc nulls last)
            as document_before,
        lag(posting_date) over (partition by series order by number asc nulls last, document_no asc nulls last)
            as posted_before
    from numbered
)

select
    series,
    cast(number_before + 1 as decimal(18, 0)) as first_missing,
    cast(number - 1 as decimal(18, 0)) as last_missing,
    cast(number - number_before - 1 as bigint) as missing_count,
    document_before,
    posted_before,
    document_no as document_after,
    posting_date as posted_after
from neighbours
where number - number_before > 1
