-- Manual adjustments with the customer they are kept under. They are added to the account in customer_accounts,
-- never to the records.
select
    adjustments.source_file,
    adjustments.file_sha256,
    adjustments.source_sheet,
    adjustments.source_record,
    adjustments.adjustment_no,
    adjustments.month,
    adjustments.customer_id as carried_customer_id,
    {{ resolved_id('adjustments.customer_id') }} as customer_id,
    adjustments.line_code,
    adjustments.amount,
    adjustments.reason,
    adjustments.author,
    adjustments.approved_by,
    adjustments.approved_on
from {{ ref('stg_adjustments') }} as adjustments
