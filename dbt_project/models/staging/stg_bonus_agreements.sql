-- Bonus agreements as the company supplies them; what they accrue is computed in int_bonus_accruals.
select
    customer_id,
    valid_from,
    tier_from,
    valid_to,
    basis,
    tier_method,
    rate,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'bonus_agreements') }}
