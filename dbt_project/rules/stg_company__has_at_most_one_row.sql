{# Fails when the company has more than one row: every record would then count twice. That it has one where there
   are records is shown by int_sales_lines_valued__keeps_every_sales_line. #}
{% macro stg_company__has_at_most_one_row() -%}
select count(*) as row_count
from {{ ref('stg_company') }}
having count(*) > 1
{%- endmacro %}
