-- Sales documents posted within ten days of the end of a month, on either side: what an auditor reads to see that sales
-- stand in the month they belong to. A credit note that takes back what was invoiced just before says the most.
with months as (
    select
        month,
        {{ last_day_of('month') }} as month_end
    from {{ ref('months') }}
),

documents as (
    select
        document_no,
        document_type,
        customer_id,
        posting_date,
        max(original_document_no) as original_document_no,
        sum(list_sales - invoice_discount - returns) as net_amount
    from {{ ref('int_sales_documents') }}
    where is_inside_account
    group by document_no, document_type, customer_id, posting_date
),

originals as (
    select
        document_no,
        min(posting_date) as posting_date
    from documents
    where document_type = 'invoice'
    group by document_no
)

select
    months.month,
    documents.document_no,
    documents.document_type,
    documents.customer_id,
    documents.posting_date,
    cast({{ days_between('months.month_end', 'documents.posting_date') }} as bigint) as days_after_month_end,
    cast(documents.net_amount as decimal(18, 4)) as net_amount,
    documents.original_document_no,
    coalesce(
        documents.document_type = 'credit_note'
        and documents.posting_date > months.month_end
        and originals.posting_date <= months.month_end
        and {{ days_between('originals.posting_date', 'months.month_end') }} < 10,
        false
    ) as takes_back
from documents
inner join months
    on
        {{ days_between('months.month_end', 'documents.posting_date') }} > -10
        and {{ days_between('months.month_end', 'documents.posting_date') }} <= 10
left join originals
    on documents.original_document_no = originals.document_no
