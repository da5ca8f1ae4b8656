{# Fails for each value of the year before that is not the value that the same scope had then. Segments are left
   out: their customers of now are another group than the segment's customers of then. #}
{% macro kpi_values__prior_year_is_the_value_of_then() -%}
with formulas as (
    select
        kpi_id,
        max(case when part = 'denominator' then 1 else 0 end) = 0 as is_sum,
        max(case when measure in ('new_customer_count', 'lost_customer_count') then 1 else 0 end) = 1
            as counts_who_came_and_went
    from {{ ref('kpi_formulas') }}
    group by kpi_id
),

compared_windows as (
    select
        windows.month,
        windows.time_window,
        windows.compared_last_month,
        windows_then.compared_first_month is not null as is_compared_then
    from {{ ref('time_windows') }} as windows
    left join {{ ref('time_windows') }} as windows_then
        on windows.compared_last_month = windows_then.month and windows.time_window = windows_then.time_window
    where windows.compared_first_month is not null
)

-- A window that is compared with nothing has no year before.
select
    kpi_values.kpi_id,
    kpi_values.scope_type,
    kpi_values.scope_id,
    kpi_values.month,
    kpi_values.time_window,
    kpi_values.prior_year_value,
    cast(null as decimal(18, 6)) as value_then
from {{ ref('kpi_values') }} as kpi_values
inner join {{ ref('time_windows') }} as windows
    on kpi_values.month = windows.month and kpi_values.time_window = windows.time_window
where windows.compared_first_month is null and kpi_values.prior_year_value is not null
union all
select
    kpi_values.kpi_id,
    kpi_values.scope_type,
    kpi_values.scope_id,
    kpi_values.month,
    kpi_values.time_window,
    kpi_values.prior_year_value,
    earlier.value as value_then
from {{ ref('kpi_values') }} as kpi_values
inner join compared_windows
    on kpi_values.month = compared_windows.month and kpi_values.time_window = compared_windows.time_window
inner join formulas
    on kpi_values.kpi_id = formulas.kpi_id
left join {{ ref('kpi_values') }} as earlier
    on
        kpi_values.kpi_id = earlier.kpi_id
        and kpi_values.scope_type = earlier.scope_type
        and kpi_values.scope_id = earlier.scope_id
        and kpi_values.time_window = earlier.time_window
        and compared_windows.compared_last_month = earlier.month
where
    kpi_values.scope_type not in ({{ quoted(segment_scope_types()) }})
    -- Who was not there has sold nothing; where nothing was compared then, nobody was new or lost.
    and kpi_values.prior_year_value is distinct from case
        when formulas.counts_who_came_and_went and not compared_windows.is_compared_then then null
        when formulas.is_sum then coalesce(earlier.value, 0)
        else earlier.value
    end
{%- endmacro %}
