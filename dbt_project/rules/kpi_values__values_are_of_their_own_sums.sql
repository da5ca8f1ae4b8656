{# Fails for each value, of any scope, that is not its own numerator over its own denominator, such as an average
   of the customers' ratios, and for each that is a ratio without a positive denominator. #}
{% macro kpi_values__values_are_of_their_own_sums() -%}
with formulas as (
    select
        kpi_id,
        max(case when part = 'denominator' then 1 else 0 end) = 1 as is_ratio
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
where
    (formulas.is_ratio and {{ is_not_ratio('kpi_values.value', 'kpi_values.numerator', 'kpi_values.denominator') }})
    or (not formulas.is_ratio and kpi_values.value is distinct from kpi_values.numerator)
{%- endmacro %}
