{# What cost pools are given out by. #}

{# The terms of each pool's time equation, each as long as it is in force: cost_pool_id, driver, applies_to,
   minutes_per_unit, valid_from and valid_before. Two names of one activity in one equation are two terms of it, here
   added up. #}
{% macro time_equations() -%}
    select
        cost_pool_id,
        driver,
        applies_to,
        minutes_per_unit,
        valid_from,
        coalesce(
            lead(valid_from) over (
                partition by cost_pool_id, driver, applies_to order by valid_from asc nulls last
            ),
            cast('9999-12-31' as date)
        ) as valid_before
    from (
        select
            cost_pool_id,
            {{ driver_name('activity_type') }} as driver,
            applies_to,
            cast(sum(minutes_per_unit) as decimal(18, 6)) as minutes_per_unit,
            valid_from
        from {{ ref('stg_activity_times') }}
        group by cost_pool_id, {{ driver_name('activity_type') }}, applies_to, valid_from
    ) as named_times
{%- endmacro %}

{# What a quantity costs at a standard rate, in whole minor units, half away from zero. Rate and quantity have six
   decimals each, and a minor unit is so many 1/10000. #}
{% macro at_standard_rate(rate, quantity, minor_unit_size) -%}
    {{ div_half_up(
        quantity_units(rate) ~ ' * ' ~ quantity_units(quantity),
        'cast(' ~ minor_unit_size ~ ' * 100000000 as decimal(38, 0))'
    ) }}
{%- endmacro %}
