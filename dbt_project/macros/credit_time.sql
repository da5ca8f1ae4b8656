{# What credit time costs. Which days count is decided in int_credit_costs. #}

{# Interest of an amount over some days, rounded to four decimals half away from zero. #}
{% macro credit_cost(amount, interest_rate, days, day_count) -%}
    cast(
        {{ div_half_up(
            'cast(' ~ exact_product(amount, interest_rate, 4, 8) ~ ' * 1000000000000 as decimal(38, 0)) * ' ~ days,
            'cast(' ~ day_count ~ ' * 100000000 as decimal(38, 0))'
        ) }} * cast(0.0001 as decimal(5, 4)) as decimal(18, 4)
    )
{%- endmacro %}
