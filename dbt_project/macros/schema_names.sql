{# Where relations are built. #}

{# Schemas are exactly the layers' names: readers depend on marts.<name>, so no target prefix. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
