{# The components lead from the ratios of the compared window to those of the window, to the last digit. #}
{% macro portfolio_ratio_bridge__adds_up() -%}
select
    scope_type,
    scope_id,
    month,
    time_window
from {{ ref('portfolio_ratio_bridge') }}
group by scope_type, scope_id, month, time_window
having
    sum(case when component = 'closing' then -dg1_effect else dg1_effect end) is distinct from 0
    or sum(case when component = 'closing' then -dg2_effect else dg2_effect end) is distinct from 0
    or sum(case when component = 'closing' then -dg3_effect else dg3_effect end) is distinct from 0
{%- endmacro %}
