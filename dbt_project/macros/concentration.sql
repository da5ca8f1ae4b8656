{# Shares with the digits that concentration needs, and when such a share is defined. What is divided by what, the
   models decide. #}

{# dividend / divisor, decimal(18, 12), half away from zero. NULL unless the divisor is positive, and where the quotient
   reaches 100000 either way: against a total of next to nothing a share says nothing, and has no room.
   Both are sums of money amounts or counts of up to 18 digits before the point. #}
{% macro fine_share(dividend, divisor) -%}
    case
        when
            {{ divisor }} > 0
            and cast({{ dividend }} as decimal(22, 4)) < cast({{ divisor }} as decimal(22, 4)) * 100000
            and cast({{ dividend }} as decimal(22, 4)) > cast({{ divisor }} as decimal(22, 4)) * -100000
            then {{ div_round(dividend, divisor, 12) }}
    end
{%- endmacro %}
