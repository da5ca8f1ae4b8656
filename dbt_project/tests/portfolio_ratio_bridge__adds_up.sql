-- The components lead from the ratios of the compared window to those of the window, to the last digit.
select
    scope_type,
    scope_id,
    month,
    time_window
from {{ ref('portfolio_ratio_bridge') }}
group by scope_type, scope_id, month, time_window
having
    {%- for level in ['1', '2', '3'] %}
    sum(case when component = 'closing' then -dg{{ level }}_effect else dg{{ level }}_effect end) is distinct from 0
    {{- ' or' if not loop.last }}
    {%- endfor %}
