-- Service concepts per segment, as the company supplies them.
select
    segment,
    valid_from,
    services,
    visits_per_year,
    order_channel,
    freight_terms,
    minimum_order,
    bonus_terms,
    free_freight_from,
    maximum_bonus_rate,
    maximum_payment_days,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'service_concepts') }}
