{# Fails for each place on the whale curve of chains that is not one further than the one before it, earns more than it,
   or does not add its own DB III to what the curve has come to. #}
{% macro chain_whale_curve__never_rises_faster() -%}
{{ steps_too_high(ref('chain_whale_curve')) }}
{%- endmacro %}
