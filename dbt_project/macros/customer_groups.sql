{# Which customers a cost pool or an activity time applies to: what applies_to may say, and what it means. #}

{# The customer columns that applies_to may name. #}
{% macro group_columns() -%}
    {{ return(['customer_group', 'industry', 'country_code']) }}
{%- endmacro %}

{# True when applies_to is one of the forms that is_in_group understands. #}
{% macro is_group_rule(applies_to) -%}
    (
            {{ applies_to }} in ('all', 'new_customer')
            {%- for column in group_columns() %}
            or substr({{ applies_to }}, 1, {{ column | length + 1 }}) = '{{ column }}='
            {%- endfor %}
        )
{%- endmacro %}

{# True when a row of int_customer_groups (by its alias) belongs in a month to the customers that applies_to names. #}
{% macro is_in_group(applies_to, customer, month) -%}
    (
            {{ applies_to }} = 'all'
            or ({{ applies_to }} = 'new_customer' and {{ customer }}.new_in_month = {{ month }})
            {%- for column in group_columns() %}
            or {{ applies_to }} = '{{ column }}=' || {{ customer }}.{{ column }}
            {%- endfor %}
        )
{%- endmacro %}

{# One name per driver: an activity type that counts what sales lines count too has the same name. #}
{% macro driver_name(activity_type) -%}
    case {{ activity_type }}
            when 'order' then 'orders'
            when 'order_line' then 'order_lines'
            when 'sales_visit' then 'visits'
            when 'shipment' then 'shipments'
            else {{ activity_type }}
        end
{%- endmacro %}
