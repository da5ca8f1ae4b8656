-- The company's own segment rules as it supplies them; the rules in force are audit.segment_rules.
select
    rule_version,
    axis,
    class_code,
    valid_from,
    basis,
    method,
    threshold_from,
    hysteresis,
    minimum_months,
    is_good,
    good_minimum_orders,
    good_minimum_db3,
    _source_file as source_file,
    _file_sha256 as file_sha256,
    _source_sheet as source_sheet,
    _source_record as source_record
from {{ source('raw', 'segment_rules') }}
