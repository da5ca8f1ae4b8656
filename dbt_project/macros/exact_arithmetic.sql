{# Decimal arithmetic that gives the same digits on every engine. It knows no business rules.

   Plain `/` and avg() return a double on DuckDB, and a product of two decimal(18, s) either overflows
   (DuckDB) or loses digits (Spark). These macros widen the operands so that both are exact.

   Wide arithmetic is slow: on DuckDB, making a decimal of more than 18 digits whole, or dividing one, takes as long as
   a hundred sums of bigints. So each macro computes in bigint where the figures are small enough, which nearly all are,
   and in the wide way where they are not. The two give the same digits. #}

{# Money: decimal(18, 4), half away from zero. #}
{% macro money(expression) -%}
    cast(round({{ expression }}, 4) as decimal(18, 4))
{%- endmacro %}

{# Exact product of two decimals of up to 18 digits: 19 + 18 + 1 = 38 digits, the most both engines hold. #}
{% macro exact_product(left, right, left_scale, right_scale) -%}
    (cast({{ left }} as decimal(19, {{ left_scale }})) * cast({{ right }} as decimal(18, {{ right_scale }})))
{%- endmacro %}

{# Money at an exchange rate: decimal(18, 4), half away from zero. Most records are in the company's own currency. #}
{% macro at_rate(amount, rate) -%}
    case when {{ rate }} = 1 then {{ amount }} else {{ money(exact_product(amount, rate, 4, 8)) }} end
{%- endmacro %}

{# A quantity in the product's own unit of measure, decimal(18, 6); as it is where there is no factor. #}
{% macro in_own_unit(quantity, factor) -%}
    case
            when {{ factor }} <> 1 then cast(round({{ exact_product(quantity, factor, 6, 8) }}, 6) as decimal(18, 6))
            else {{ quantity }}
        end
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
    case
        when {{ is_below(expression, 10000000000) }} then cast({{ small_money_units(expression) }} as decimal(22, 0))
        else {{ wide_money_units(expression) }}
    end
{%- endmacro %}

{# The same as a bigint, of less than 10 billion. #}
{% macro small_money_units(expression) -%}
    cast(cast({{ expression }} as decimal(18, 4)) * 10000 as bigint)
{%- endmacro %}

{# The same of any amount, slowly. #}
{% macro wide_money_units(expression) -%}
    cast(cast({{ expression }} as decimal(22, 4)) * 10000 as decimal(22, 0))
{%- endmacro %}

{# True when a figure of either sign is smaller than a whole limit. #}
{% macro is_below(expression, limit) -%}
    {{ expression }} < {{ limit }} and {{ expression }} > -{{ limit }}
{%- endmacro %}

{# Quotient of two money amounts, decimal(18, scale), half away from zero; NULL when the divisor is 0. #}
{% macro div_round(dividend, divisor, scale=6) -%}
{%- set n = small_money_units(dividend) -%}
{%- set d = small_money_units(divisor) -%}
{#- Of more digits hardly any dividend is small enough. -#}
{%- set may_be_small = scale <= 8 -%}
{%- set wide_n = wide_money_units(dividend) if may_be_small else money_units(dividend) -%}
{%- set wide_d = wide_money_units(divisor) if may_be_small else money_units(divisor) -%}
{#- In units, a dividend below the limit times 2 * 10^scale is below 8.8 * 10^18. -#}
{%- set limit = [440 * 10 ** (12 - scale), 10 ** 10] | min | int -%}
cast(
        case when ({{ dividend }} < 0) = ({{ divisor }} < 0) then 1 else -1 end
        * {% if may_be_small -%}
        case
            when {{ is_below(dividend, limit) }} and {{ is_below(divisor, 10 ** 10) }}
                then cast({{ bigint_div(
                    'abs(' ~ n ~ ') * ' ~ (2 * 10 ** scale) ~ ' + abs(' ~ d ~ ')', 'nullif(2 * abs(' ~ d ~ '), 0)'
                ) }} as decimal(18, 0))
            else {% endif -%}
            cast({{ int_div(
                'abs(' ~ wide_n ~ ') * ' ~ (2 * 10 ** scale) ~ ' + abs(' ~ wide_d ~ ')',
                'nullif(2 * abs(' ~ wide_d ~ '), 0)'
            ) }} as decimal(18, 0))
        {%- if may_be_small %}
        end
        {%- endif %}
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
   1,000 billion kroner. Most quantities are whole, and then so is most of the work small. #}
{% macro scaled_by(amount, numerator, denominator) -%}
{%- set product = exact_product(amount, numerator, 4, 6) -%}
{%- set n = small_money_units(amount) ~ ' * cast(' ~ numerator ~ ' as bigint)' -%}
{%- set d = 'cast(' ~ denominator ~ ' as bigint)' -%}
    case
        when
            {{ numerator }} % 1 = 0
            and {{ denominator }} % 1 = 0
            and {{ is_below(amount, 10 ** 10) }}
            and {{ is_below(product, 4400000000000) }}
            then {{ signed_quotient(
                product, bigint_div('abs(' ~ n ~ ') * 200 + ' ~ d, 'nullif(2 * ' ~ d ~ ', 0)'), 6
            ) }}
        else {{ signed_quotient(
            product,
            int_div(
                'abs(cast(' ~ wide_money_units(amount) ~ ' as decimal(19, 0)) * ' ~ quantity_units(numerator)
                ~ ') * 200 + ' ~ quantity_units(denominator),
                'nullif(2 * ' ~ quantity_units(denominator) ~ ', 0)'
            ),
            6
        ) }}
    end
{%- endmacro %}

{# The same as money, decimal(18, 4), rounded once; NULL where the denominator is 0. For few rows: it is slow. #}
{% macro money_scaled_by(amount, numerator, denominator) -%}
cast(
        {{ div_half_up(
            'cast(' ~ wide_money_units(amount) ~ ' as decimal(19, 0)) * ' ~ quantity_units(numerator),
            quantity_units(denominator)
        ) }} * cast(0.0001 as decimal(5, 4)) as decimal(18, 4)
    )
{%- endmacro %}

{# Of an amount of decimal(18, 4), the whole number of 1/10000 as a bigint. A model that divides many amounts makes them
   whole once, in columns, and divides those with the two macros below. #}
{% macro units(amount) -%}
    (
        cast(floor({{ amount }}) as bigint) * 10000
        + cast(cast({{ amount }} - floor({{ amount }}) as decimal(5, 4)) * 10000 as bigint)
    )
{%- endmacro %}

{# scaled_by of whole numbers: amount x numerator / denominator in millionths, decimal(38, 0); the amount is in units, and
   numerator and denominator are in the same unit. #}
{% macro scaled_units(amount, numerator, denominator) -%}
    {{ div_half_up(
        'cast(' ~ amount ~ ' as decimal(19, 0)) * cast(' ~ numerator ~ ' as decimal(19, 0)) * 100', denominator
    ) }}
{%- endmacro %}

{# long_ratio of two whole numbers. #}
{% macro long_ratio_of_units(dividend, divisor) -%}
    case
        when {{ divisor }} > 0
            then cast(
                {{ div_half_up('cast(' ~ dividend ~ ' as decimal(38, 0)) * 1000000000000', divisor) }}
                * cast(0.000000000001 as decimal(13, 12)) as decimal(18, 12)
            )
    end
{%- endmacro %}

{# A figure of up to 6 decimals as a whole number of millionths: what int_div needs. 19 digits, so that DuckDB multiplies
   it exactly. #}
{% macro quantity_units(expression) -%}
{%- set small = 'cast(' ~ expression ~ ' as decimal(18, 6))' -%}
    case
        when {{ is_below(expression, 10 ** 12) }}
            then cast(
                cast(floor({{ small }}) as bigint) * 1000000
                + cast(cast({{ small }} - floor({{ small }}) as decimal(7, 6)) * 1000000 as bigint) as decimal(19, 0)
            )
        else cast(cast({{ expression }} as decimal(19, 6)) * 1000000 as decimal(19, 0))
    end
{%- endmacro %}

{# Quotient of two figures of up to 6 decimals, decimal(18, 12), half away from zero; NULL unless the divisor is
   positive. For shares and percentage points that must still add up when there are many. #}
{% macro long_ratio(dividend, divisor) -%}
    case
        when {{ divisor }} > 0
            then {{ signed_quotient(
                dividend,
                int_div(
                    'abs(' ~ quantity_units(dividend) ~ ') * 2000000000000 + ' ~ quantity_units(divisor),
                    '2 * ' ~ quantity_units(divisor)
                ),
                12
            ) }}
    end
{%- endmacro %}

{# The same of two money amounts, and faster. Six digits of the quotient at a time: a rest is smaller than the divisor,
   so that a bigint holds it times a million. #}
{% macro long_money_ratio(dividend, divisor) -%}
{%- set n = 'abs(' ~ small_money_units(dividend) ~ ')' -%}
{%- set d = small_money_units(divisor) -%}
{%- set rest = n ~ ' % ' ~ d ~ ' * 1000000' -%}
    case
        when {{ divisor }} > 0 and {{ divisor }} < 440000000 and {{ is_below(dividend, 440000000) }}
            then {{ signed_quotient(
                dividend,
                bigint_div(n, d) ~ ' * 1000000000000 + ' ~ bigint_div(rest, d) ~ ' * 1000000 + '
                ~ bigint_div(rest ~ ' % ' ~ d ~ ' * 2000000 + ' ~ d, '2 * ' ~ d),
                12
            ) }}
        when {{ divisor }} > 0
            then {{ signed_quotient(
                dividend,
                int_div(
                    'abs(' ~ wide_money_units(dividend) ~ ') * 2000000000000 + ' ~ wide_money_units(divisor),
                    '2 * ' ~ wide_money_units(divisor)
                ),
                12
            ) }}
    end
{%- endmacro %}

{# A quotient as a whole number of its last digit, not negative, becomes decimal(18, scale) with the dividend's sign. #}
{% macro signed_quotient(dividend, quotient, scale) -%}
    cast(
        case when {{ dividend }} < 0 then -1 else 1 end
        * cast({{ quotient }} as decimal(18, 0))
        * cast({{ '%.*f' | format(scale, 10 ** (-scale)) }} as decimal({{ scale + 1 }}, {{ scale }}))
        as decimal(18, {{ scale }})
    )
{%- endmacro %}

{# Whether a figure is less than ten thousand times another, either way: what is more is no ratio to compare. Amounts are
   made wide first, for ten thousand times the sales of a large company is more than decimal(18, 4) holds. #}
{% macro is_comparable_part(figure, whole) -%}
    abs({{ figure }}) < cast({{ whole }} as decimal(24, 4)) * 10000
{%- endmacro %}
