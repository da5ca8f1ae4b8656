{# Fails when the coverage has no row, or more than one: the ledger's months would then be in no tie-out, or count
   twice. #}
{% macro int_ledger_coverage__is_one_row() -%}
select count(*) as row_count
from {{ ref('int_ledger_coverage') }}
having count(*) is distinct from 1
{%- endmacro %}
