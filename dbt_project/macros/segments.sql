{# The names of the states that are no class. Which customer is in which, the models decide. #}

{# Not yet to be classed: no order so far, or too short a history. #}
{% macro new_state() -%}
    'Ny'
{%- endmacro %}

{# Ordered once, and not in the last 12 months. #}
{% macro lost_state() -%}
    'Tabt'
{%- endmacro %}

{# A customer inside the group of companies. #}
{% macro internal_state() -%}
    'Intern'
{%- endmacro %}

{# The class of a figure that is negative, or of a ratio that is undefined. #}
{% macro negative_class() -%}
    'N'
{%- endmacro %}

{# True when a segment in effect is a class on each axis, and none of the states above. #}
{% macro is_classed(segment) -%}
    {{ segment }} not in ({{ unknown_id() }}, {{ internal_state() }}, {{ new_state() }}, {{ lost_state() }})
{%- endmacro %}

{# The name that all good customers have together, whichever segments they are in. #}
{% macro good_customers_name() -%}
    'Den gode kunde'
{%- endmacro %}
