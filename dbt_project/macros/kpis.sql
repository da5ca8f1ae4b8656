{# The formula of every KPI: its one home. What KPIs are called and who owns them belongs in kpi_register, what a
   customer account measures in macros/measures.sql. #}

{# Every KPI: numerator and denominator as measures of a customer account, each with a whole coefficient. A KPI without
   a denominator is a sum. #}
{% macro kpi_list() -%}
    {{ return([
        {'kpi_id': 'net_sales', 'numerator': {'net_sales': 1}},
        {'kpi_id': 'invoiced_sales', 'numerator': {'invoiced_sales': 1}},
        {'kpi_id': 'db1', 'numerator': {'db1': 1}},
        {'kpi_id': 'db2', 'numerator': {'db2': 1}},
        {'kpi_id': 'db3', 'numerator': {'db3': 1}},
        {'kpi_id': 'dg1', 'numerator': {'db1': 1}, 'denominator': {'net_sales': 1}},
        {'kpi_id': 'dg2', 'numerator': {'db2': 1}, 'denominator': {'net_sales': 1}},
        {'kpi_id': 'dg3', 'numerator': {'db3': 1}, 'denominator': {'net_sales': 1}},
        {'kpi_id': 'db2_of_invoiced', 'numerator': {'db2': 1}, 'denominator': {'invoiced_sales': 1}},
        {'kpi_id': 'discount_pct', 'numerator': {'invoice_discount': 1}, 'denominator': {'list_sales': 1}},
        {'kpi_id': 'return_pct', 'numerator': {'returns': 1}, 'denominator': {'invoiced_sales': 1}},
        {'kpi_id': 'return_line_pct', 'numerator': {'return_line_count': 1}, 'denominator': {'line_count': 1}},
        {'kpi_id': 'bonus_pct', 'numerator': {'bonus': 1}, 'denominator': {'invoiced_sales': 1}},
        {'kpi_id': 'cash_discount_pct', 'numerator': {'cash_discount': 1}, 'denominator': {'invoiced_sales': 1}},
        {'kpi_id': 'cogs_pct', 'numerator': {'cogs': 1}, 'denominator': {'invoiced_sales': 1}},
        {'kpi_id': 'freight_pct', 'numerator': {'freight': 1}, 'denominator': {'invoiced_sales': 1}},
        {'kpi_id': 'handling_pct', 'numerator': {'handling': 1}, 'denominator': {'invoiced_sales': 1}},
        {'kpi_id': 'other_direct_pct', 'numerator': {'other_direct': 1}, 'denominator': {'invoiced_sales': 1}},
        {'kpi_id': 'order_cost_pct', 'numerator': {'order_cost': 1}, 'denominator': {'invoiced_sales': 1}},
        {'kpi_id': 'sales_effort_pct', 'numerator': {'sales_effort_cost': 1}, 'denominator': {'invoiced_sales': 1}},
        {'kpi_id': 'credit_pct', 'numerator': {'credit_cost': 1}, 'denominator': {'invoiced_sales': 1}},
        {'kpi_id': 'average_order', 'numerator': {'invoiced_sales': 1}, 'denominator': {'order_count': 1}},
        {'kpi_id': 'lines_per_order', 'numerator': {'line_count': 1}, 'denominator': {'order_count': 1}},
        {'kpi_id': 'orders', 'numerator': {'order_count': 1}},
        {'kpi_id': 'visits', 'numerator': {'visit_count': 1}},
        {'kpi_id': 'db3_per_visit_hour', 'numerator': {'db3': 60}, 'denominator': {'visit_minutes': 1}},
    ]) }}
{%- endmacro %}

{# Measures that know only what was sold, never what the goods or the service cost. #}
{% macro revenue_measures() -%}
    {{ return([
        'list_sales', 'invoice_discount', 'invoiced_sales', 'returns', 'bonus', 'cash_discount', 'net_sales',
        'order_count', 'line_count', 'return_line_count',
    ]) }}
{%- endmacro %}

{# Numerator or denominator of the row's KPI, decimal(18, 4); NULL for the denominator of a sum.
   part: 'numerator' or 'denominator'; kpi_id: column; measures: what stands before the name of a measure, for instance
   `windows.compared_`. #}
{% macro kpi_part(part, kpi_id, measures) -%}
    cast(
            case {{ kpi_id }}
                {%- for kpi in kpi_list() if kpi[part] is defined %}
                when '{{ kpi.kpi_id }}' then
                {%- for measure, coefficient in kpi[part].items() %}
                    {{- ' +' if not loop.first }} {{ measures }}{{ measure }}
                    {{- ' * ' ~ coefficient if coefficient != 1 }}
                {%- endfor %}
                {%- endfor %}
            end as decimal(18, 4)
        )
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
