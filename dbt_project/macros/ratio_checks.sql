{# What rules ask of ratios: that each is computed from its own sums, never averaged, and is NULL without a
   positive denominator. Ratios are computed by exact_arithmetic.sql. #}

{# True where the value is not numerator / denominator to the sixth digit. It multiplies, so that it does not repeat
   what it checks. #}
{% macro is_not_ratio(value, numerator, denominator) -%}
    (
        (coalesce({{ denominator }}, 0) <= 0 and {{ value }} is not null)
        or (
            {{ denominator }} > 0
            and (
                {{ value }} is null
                or abs({{ exact_product(value, denominator, 6, 4) }} - {{ numerator }}) > {{ denominator }} * 0.000001
            )
        )
    )
{%- endmacro %}

{# True where one of several is not: a list of (value, numerator, denominator). #}
{% macro any_is_not_ratio(ratios) -%}
    (
        {%- for value, numerator, denominator in ratios %}
        {{ 'or ' if not loop.first }}{{ is_not_ratio(value, numerator, denominator) }}
        {%- endfor %}
    )
{%- endmacro %}
