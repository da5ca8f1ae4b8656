{# Fails for each file whose records read are not those loaded, rejected and left out. #}
{% macro row_ledger__is_balanced() -%}
select
    feed,
    source_file,
    file_sha256,
    records_read,
    records_loaded,
    records_rejected,
    records_left_out
from {{ ref('row_ledger') }}
where
    is_balanced is distinct from true
    or records_read is distinct from records_loaded + records_rejected + records_left_out
{%- endmacro %}
