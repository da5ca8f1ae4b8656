{# Fails for each line of the customer account that DB III would not hold, each line of the company that it
   would, and each subtotal or company line that is out of use. #}
{% macro ladder__result_holds_every_line() -%}
select
    lines.line_code,
    lines.position,
    lines.is_used
from {{ ref('ladder') }} as lines
inner join {{ ref('ladder') }} as results
    on results.line_code = 'K60'
where
    (lines.level = 'customer' and lines.line_code is distinct from 'K60' and lines.position >= results.position)
    or (lines.level = 'company' and lines.position <= results.position)
    or (lines.line_kind = 'subtotal' and not lines.is_used)
    or (lines.level = 'company' and not lines.is_used)
{%- endmacro %}
