{# Fails for each place on the whale curve that is not one further than the one before it, earns more than it, or
   does not add its own DB III to what the curve has come to. #}
{% macro whale_curve__never_rises_faster() -%}
{{ steps_too_high(ref('whale_curve')) }}
{%- endmacro %}
