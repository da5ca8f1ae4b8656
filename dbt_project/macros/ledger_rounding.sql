{# What a ledger that books whole minor units rounds away. Amounts are whole numbers of 1/10000. #}

{# Whether an amount ends in exactly half a minor unit: 1, else 0. #}
{% macro halves(units, minor_unit_size) -%}
    case when {{ units }} % {{ minor_unit_size }} <> 0 and (2 * {{ units }}) % {{ minor_unit_size }} = 0 then 1 else 0 end
{%- endmacro %}

{# The amount less the nearest whole minor unit; 0 for a half, which has two. #}
{% macro rounded_away(units, minor_unit_size) -%}
    case
        when {{ halves(units, minor_unit_size) }} = 1 then 0
        else {{ units }} - {{ div_half_up(units, minor_unit_size) }} * {{ minor_unit_size }}
    end
{%- endmacro %}

{# What is rounded away, as money, with every half of a minor unit upwards (-) or downwards (+). #}
{% macro rounding_bound(rounded_away, sign, halves) -%}
    cast(
        (2 * {{ rounded_away }} {{ sign }} {{ halves }} * minor_unit_size)
        * cast(0.00005 as decimal(5, 5)) as decimal(18, 4)
    )
{%- endmacro %}

{# Whether a difference to the ledger is what rounding each record, document or month (grain) gives: within its bounds,
   and whole minor units away from them. False where there is nothing to round.
   rounding: alias of int_ledger_rounding. #}
{% macro is_rounding_by(grain, difference, rounding) -%}
    coalesce(
                {{ difference }} >= {{ rounding }}.lowest_by_{{ grain }}
                and {{ difference }} <= {{ rounding }}.highest_by_{{ grain }}
                and {{ money_units(difference ~ ' - ' ~ rounding ~ '.lowest_by_' ~ grain) }}
                % {{ money_units(rounding ~ '.minor_unit') }} = 0,
                false
            )
{%- endmacro %}
