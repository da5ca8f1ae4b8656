{# Fails for each value, of any scope, that is not its own numerator over its own denominator, such as an average
   of the customers' ratios, and for each that is a ratio without a positive denominator. A value without a numerator is
   one of new or lost customers where there is nothing to compare, and is none. #}
{% macro kpi_values__values_are_of_their_own_sums() -%}
with formulas as (
    select
        kpi_id,
        max(case when part = 'denominator' then 1 else 0 end) = 1 as is_ratio,
        max(
            case when part = 'numerator' and measure in ('new_customer_count', 'lost_customer_count') then 1 else 0 end
        ) = 1 as counts_who_came_and_went
    from {{ ref('kpi_formulas') }}
    group by kpi_id
)

select
    kpi_values.kpi_id,
    kpi_values.scope_type,
    kpi_values.scope_id,
    kpi_values.month,
    kpi_values.time_window,
    kpi_values.numerator,
    kpi_values.denominator,
    kpi_values.value
from {{ ref('kpi_values') }} as kpi_values
inner join formulas
    on kpi_values.kpi_id = formulas.kpi_id
left join {{ ref('time_windows') }} as windows
    on kpi_values.month = windows.month and kpi_values.time_window = windows.time_window
where
    (
        kpi_values.numerator is null
        and (
            kpi_values.value is not null
            or not formulas.counts_who_came_and_went
            or windows.compared_first_month is not null
        )
    )
    or (
        formulas.is_ratio
        and kpi_values.numerator is not null
        and {{ is_not_ratio('kpi_values.value', 'kpi_values.numerator', 'kpi_values.denominator') }}
    )
    or (not formulas.is_ratio and kpi_values.value is distinct from kpi_values.numerator)
{%- endmacro %}
