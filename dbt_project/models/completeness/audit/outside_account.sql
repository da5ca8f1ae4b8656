-- Every sales line that is loaded but belongs in no line of the account, with its amounts as the source has them.
select
    source_file,
    file_sha256,
    source_sheet,
    source_record,
    document_no,
    line_no,
    document_type,
    line_type,
    posting_date,
    carried_customer_id,
    carried_product_id,
    currency,
    quantity,
    list_amount,
    discount_amount,
    net_amount,
    cost_amount
from {{ ref('int_sales_lines_valued') }}
where not is_inside_account and not is_rejected
