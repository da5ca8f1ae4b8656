-- Every manual adjustment of a customer account: what, where, why and by whom.
select
    adjustment_no,
    month,
    customer_id,
    line_code,
    amount,
    reason,
    author,
    approved_by,
    approved_on,
    source_file,
    file_sha256,
    source_sheet,
    source_record
from {{ ref('int_adjustments_valued') }}
