{# Fails for each scope and window where the drivers' effects do not sum to the change of DB II / invoiced sales, or
   their own effects to its own part, where an effect is not its own part and that of the rates of pools, or the rates
   do not sum to what DB II leaves of invoiced sales, to the last digit. #}
{% macro driver_bridge__adds_up_to_the_change_of_db2() -%}
select
    scope_type,
    scope_id,
    month,
    time_window,
    sum(case when driver = 'db2' then effect else 0 end) as change,
    sum(case when driver = 'db2' then 0 else effect end) as effects,
    sum(rate) as rates,
    sum(compared_rate) as compared_rates
from {{ ref('driver_bridge') }}
group by scope_type, scope_id, month, time_window
having
    sum(case when driver = 'db2' then effect else -effect end) is distinct from 0
    or sum(case when driver = 'db2' then own_effect else -own_effect end) is distinct from 0
    or sum(case when own_effect + pool_rate_effect is distinct from effect then 1 else 0 end) > 0
    or sum(case when driver = 'db2' then own_effect else -own_effect end) is distinct from 0
    or max(case when own_effect + pool_rate_effect is distinct from effect then 1 else 0 end) = 1
    or sum(rate) is distinct from 1
    or sum(compared_rate) is distinct from 1
    or sum(case when driver = 'db2' then 1 else 0 end) is distinct from 1
{%- endmacro %}
