{# How KPIs are computed from their formulas, which are data: audit.kpi_formulas. What a customer account measures
   is in macros/measures.sql. #}

{# What a formula may name: the measures of an account, and the customers behind it. #}
{% macro kpi_measures() -%}
    {{ return(account_measures() + customer_base_measures()) }}
{%- endmacro %}

{# The places of measures side by side in one part of a formula: no formula has more. #}
{% macro kpi_places() -%}
    {{ return([1, 2, 3, 4]) }}
{%- endmacro %}

{# Measures that know only what was sold, never what the goods or the service cost. #}
{% macro revenue_measures() -%}
    {{ return([
        'list_sales', 'invoice_discount', 'invoiced_sales', 'returns', 'bonus', 'cash_discount', 'net_sales',
        'order_count', 'line_count', 'return_line_count', 'customer_count', 'new_customer_count',
        'lost_customer_count', 'good_net_sales',
    ]) }}
{%- endmacro %}

{# Which kind of KPI a measure makes in a numerator. What is taken off sales (discount, returns, bonus) drives the cost
   of a customer, although the account has it above net sales. #}
{% macro measure_kinds() -%}
    {%- set kinds = {} %}
    {%- for measure in kpi_measures() %}
        {%- if measure in ['db1', 'db2', 'db3'] %}
            {%- do kinds.update({measure: 'margin'}) %}
        {%- elif measure in ['list_sales', 'invoiced_sales', 'net_sales', 'freight_charged', 'sales_without_cost'] %}
            {%- do kinds.update({measure: 'revenue'}) %}
        {%- elif measure in ['order_count', 'line_count', 'visit_count', 'visit_minutes'] %}
            {%- do kinds.update({measure: 'activity'}) %}
        {%- elif measure in customer_base_measures() %}
            {%- do kinds.update({measure: 'customer_base'}) %}
        {%- else %}
            {%- do kinds.update({measure: 'cost_driver'}) %}
        {%- endif %}
    {%- endfor %}
    {{ return(kinds) }}
{%- endmacro %}

{# The measures that make a KPI of this kind. #}
{% macro measures_of_kind(kind) -%}
    {{ return(measure_kinds().items() | selectattr(1, 'equalto', kind) | map(attribute=0) | list) }}
{%- endmacro %}

{# Numerator or denominator of the row's KPI, decimal(18, 4); NULL for the denominator of a sum, and where a measure
   that it names is (nobody is new where there is nothing to compare).
   part: 'numerator' or 'denominator'; terms: alias of kpi_terms; measures: what stands before the name of a measure,
   for instance `windows.compared_`. #}
{% macro kpi_part(part, terms, measures) -%}
    cast(
            {%- for place in kpi_places() %}
            {{ '+ case when ' ~ terms ~ '.' ~ part ~ '_measure_' ~ place ~ ' is null then 0 else ' if place > 1 }}
            {{- 'cast(' ~ terms ~ '.' ~ part ~ '_coefficient_' ~ place }} as decimal(9, 0))
            * case {{ terms }}.{{ part }}_measure_{{ place }}
                {%- for measure in kpi_measures() %}
                when '{{ measure }}' then {{ measures }}{{ measure }}
                {%- endfor %}
            end{{ ' end' if place > 1 }}
            {%- endfor %} as decimal(18, 4)
        )
{%- endmacro %}

{# A part of a formula as text, such as `db3 * 60`; terms: alias of kpi_terms. #}
{% macro kpi_part_text(part, terms) -%}
    (
            {%- for place in kpi_places() %}
            {{ '|| ' if place > 1 }}coalesce({{ "' + ' || " if place > 1 }}{{ terms }}.{{ part }}_measure_{{ place }}
            || case
                when {{ terms }}.{{ part }}_coefficient_{{ place }} = 1 then ''
                else ' * ' || cast({{ terms }}.{{ part }}_coefficient_{{ place }} as string)
            end, '')
            {%- endfor %}
        )
{%- endmacro %}

{# The same beside a stroke: several measures stand in brackets. #}
{% macro kpi_ratio_part_text(part, terms) -%}
    case
            when {{ terms }}.{{ part }}_measure_2 is null then {{ kpi_part_text(part, terms) }}
            else '(' || {{ kpi_part_text(part, terms) }} || ')'
        end
{%- endmacro %}

{# The KPI's value, decimal(18, 6): the sum itself, or the ratio, NULL unless its denominator is positive. #}
{% macro kpi_value(is_sum, numerator, denominator) -%}
    case
            when {{ is_sum }} then cast({{ numerator }} as decimal(18, 6))
            else {{ safe_ratio(numerator, denominator) }}
        end
{%- endmacro %}

{# Part of a whole number of months, decimal(18, 6), half away from zero: figure x months / whole_months. #}
{% macro part_by_months(figure, months, whole_months) -%}
    cast(
        {{ div_half_up(
            '(cast(cast(' ~ figure ~ ' as decimal(24, 6)) * 1000000 as decimal(38, 0)) * ' ~ months ~ ')', whole_months
        ) }} * cast(0.000001 as decimal(7, 6)) as decimal(18, 6)
    )
{%- endmacro %}

{# Quotient of two KPI values of one KPI, decimal(18, 6); NULL unless the divisor is positive. #}
{% macro value_ratio(dividend, divisor) -%}
    case
        -- Most rows have no target, and then there is nothing to divide.
        when {{ dividend }} is not null and {{ divisor }} > 0
            {# Times 100, because money has four decimals and these have six. -#}
            then {{ div_round(
                '(cast(' ~ dividend ~ ' as decimal(24, 6)) * 100)', '(cast(' ~ divisor ~ ' as decimal(24, 6)) * 100)'
            ) }}
    end
{%- endmacro %}
