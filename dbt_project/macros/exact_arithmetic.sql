{# Decimal arithmetic that gives the same digits on every engine. Business rules do not belong here.

   Plain `/` and avg() return a double on DuckDB, and a product of two decimal(18, s) either overflows
   (DuckDB) or loses digits (Spark). These macros widen the operands so that both are exact. #}

{# Money: decimal(18, 4), half away from zero. #}
{% macro money(expression) -%}
    cast(round({{ expression }}, 4) as decimal(18, 4))
{%- endmacro %}

{# Exact product of two decimals of up to 18 digits: 19 + 18 + 1 = 38 digits, the most both engines hold. #}
{% macro exact_product(left, right, left_scale, right_scale) -%}
    (cast({{ left }} as decimal(19, {{ left_scale }})) * cast({{ right }} as decimal(18, {{ right_scale }})))
{%- endmacro %}

{# Truncating division of whole numbers; the divisor must not be 0. #}
{% macro int_div(dividend, divisor) -%}
    {{ adapter.dispatch('int_div', 'kunderegnskab')(dividend, divisor) }}
{%- endmacro %}

{% macro default__int_div(dividend, divisor) -%}
    (cast({{ dividend }} as hugeint) // cast({{ divisor }} as hugeint))
{%- endmacro %}

{% macro spark__int_div(dividend, divisor) -%}
    (cast({{ dividend }} as decimal(38, 0)) div cast({{ divisor }} as decimal(38, 0)))
{%- endmacro %}

{# Money as a whole number of 1/10000: what int_div needs. #}
{% macro money_units(expression) -%}
    cast(cast({{ expression }} as decimal(22, 4)) * 10000 as decimal(22, 0))
{%- endmacro %}

{# Quotient of two money amounts, decimal(18, scale), half away from zero; NULL when the divisor is 0. #}
{% macro div_round(dividend, divisor, scale=6) -%}
{%- set n = money_units(dividend) -%}
{%- set d = money_units(divisor) -%}
cast(
        case when ({{ dividend }} < 0) = ({{ divisor }} < 0) then 1 else -1 end
        * cast({{ int_div(
            'abs(' ~ n ~ ') * ' ~ (2 * 10 ** scale) ~ ' + abs(' ~ d ~ ')',
            'nullif(2 * abs(' ~ d ~ '), 0)'
        ) }} as decimal(18, 0))
        * cast({{ '%.*f' | format(scale, 10 ** (-scale)) }} as decimal({{ scale + 1 }}, {{ scale }}))
        as decimal(18, {{ scale }})
    )
{%- endmacro %}

{# A ratio of two money amounts: NULL unless the denominator is positive, decimal(18, 6). #}
{% macro safe_ratio(numerator, denominator) -%}
    case when {{ denominator }} > 0 then {{ div_round(numerator, denominator, 6) }} end
{%- endmacro %}

{# Whole number n / d, half away from zero, for any whole n and a whole d > 0; NULL when d is 0. #}
{% macro div_half_up(n, d) -%}
    (
        case when {{ n }} < 0 then -1 else 1 end
        * cast({{ int_div('2 * abs(' ~ n ~ ') + ' ~ d, 'nullif(2 * ' ~ d ~ ', 0)') }} as decimal(38, 0))
    )
{%- endmacro %}

{# Truncating division of two bigints, bigint; the divisor must not be 0. Much faster than int_div. #}
{% macro bigint_div(dividend, divisor) -%}
    {{ adapter.dispatch('bigint_div', 'kunderegnskab')(dividend, divisor) }}
{%- endmacro %}

{% macro default__bigint_div(dividend, divisor) -%}
    (({{ dividend }}) // ({{ divisor }}))
{%- endmacro %}

{% macro spark__bigint_div(dividend, divisor) -%}
    (({{ dividend }}) div ({{ divisor }}))
{%- endmacro %}

{# Money x numerator / denominator, decimal(18, 6), half away from zero; both are quantities (6 decimals) and the
   denominator is positive. The product in between may have 35 digits: a billion pieces and
   1,000 billion kroner. #}
{% macro scaled_by(amount, numerator, denominator) -%}
    cast(
        {{ div_half_up(
            '(cast(' ~ money_units(amount) ~ ' as decimal(19, 0)) * ' ~ quantity_units(numerator) ~ ' * 100)',
            quantity_units(denominator)
        ) }} * cast(0.000001 as decimal(7, 6)) as decimal(18, 6)
    )
{%- endmacro %}

{# A figure of up to 6 decimals as a whole number of millionths: what int_div needs. 19 digits, so that DuckDB multiplies
   it exactly. #}
{% macro quantity_units(expression) -%}
    cast(cast({{ expression }} as decimal(19, 6)) * 1000000 as decimal(19, 0))
{%- endmacro %}

{# Quotient of two figures of up to 6 decimals, decimal(18, 12), half away from zero; NULL unless the divisor is
   positive. For shares and percentage points that must still add up when there are many. #}
{% macro long_ratio(dividend, divisor) -%}
    case
        when {{ divisor }} > 0
            then cast(
                {{ div_half_up(
                    '(' ~ quantity_units(dividend) ~ ' * 1000000000000)', quantity_units(divisor)
                ) }} * cast(0.000000000001 as decimal(13, 12)) as decimal(18, 12)
            )
    end
{%- endmacro %}
