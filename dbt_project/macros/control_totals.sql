{# Sums by which a stage proves that it holds what the stage before it held. Which sums those are is decided in
   kunderegnskab/ingest/totals.py, whether they agree in the model control_totals. #}

{# A whole number below 2^32 made from a customer number, 0 for none: sums of it do not depend on any order, and differ
   when one record changes its customer. #}
{% macro customer_hash(customer_id) -%}
    {{ adapter.dispatch('customer_hash', 'kunderegnskab')(customer_id) }}
{%- endmacro %}

{% macro default__customer_hash(customer_id) -%}
    coalesce(cast('0x' || substr(md5({{ customer_id }}), 1, 8) as bigint), 0)
{%- endmacro %}

{% macro spark__customer_hash(customer_id) -%}
    coalesce(cast(conv(substr(md5({{ customer_id }}), 1, 8), 16, 10) as bigint), 0)
{%- endmacro %}

{# One total of a query, 0 where it has no rows. #}
{% macro control_total(expression) -%}
    cast(coalesce(sum({{ expression }}), 0) as decimal(28, 6))
{%- endmacro %}
