-- Sales lines summed per document, as far as its lines agree: what is asked of documents, orders, days and files is
-- read from here, so that the records are not read again for each question. Sums by product belong in
-- int_leaf_months.
select
    source_file,
    file_sha256,
    document_no,
    document_type,
    order_no,
    customer_id,
    salesperson_id,
    posting_date,
    month,
    is_inside_account,
    is_rejected,
    max(original_document_no) as original_document_no,
    cast(count(*) as bigint) as record_count,
    cast(sum(case when is_order_line then 1 else 0 end) as bigint) as line_count,
    cast(sum(case when is_return_line then 1 else 0 end) as bigint) as return_line_count,
    cast(sum(list_sales) as decimal(18, 4)) as list_sales,
    cast(sum(invoice_discount) as decimal(18, 4)) as invoice_discount,
    cast(sum(returns) as decimal(18, 4)) as returns,
    cast(sum(cogs) as decimal(18, 4)) as cogs,
    cast(sum(freight_charged) as decimal(18, 4)) as freight_charged,
    cast(sum(sales_without_cost) as decimal(18, 4)) as sales_without_cost,
    cast(sum(returns_without_cost) as decimal(18, 4)) as returns_without_cost
from {{ ref('int_sales_lines_valued') }}
group by
    source_file, file_sha256, document_no, document_type, order_no, customer_id, salesperson_id, posting_date, month,
    is_inside_account, is_rejected
