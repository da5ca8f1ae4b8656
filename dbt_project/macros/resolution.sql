{# Which customer, product or salesperson a record belongs to. #}

{# Records without a customer or product number are kept under this id. #}
{% macro unknown_id() -%}
    '(ukendt)'
{%- endmacro %}

{# What stands in place of the name of a customer that the company's own list lacks. #}
{% macro name_of_unlisted_customer() -%}
    '(ikke i kundelisten)'
{%- endmacro %}

{# What stands in place of the name of a product that the company's own list lacks. #}
{% macro name_of_unlisted_product() -%}
    '(ikke i varelisten)'
{%- endmacro %}

{# What stands in place of the reason of a credit that brings no goods back: a corrected price, a fee. #}
{% macro without_goods() -%}
    '(uden varer)'
{%- endmacro %}

{# The salesperson of everything nobody owns. #}
{% macro unassigned_id() -%}
    'Ikke tildelt'
{%- endmacro %}

{# An id with text in it, else NULL. #}
{% macro id_or_null(id) -%}
    case when trim({{ id }}) = '' then null else {{ id }} end
{%- endmacro %}

{# The id a record is kept under: its own, whether or not a list of master data holds it; records without one are
   kept together.
   id: as the record carries it. #}
{% macro resolved_id(id) -%}
    coalesce({{ id_or_null(id) }}, {{ unknown_id() }})
{%- endmacro %}

{# One row: <feed>_supplied = 1 or 0 for each feed asked for. #}
{% macro supplied_feeds(feeds) -%}
    select
        {%- for feed in feeds %}
        coalesce(max(case when feed = '{{ feed }}' and is_supplied then 1 else 0 end), 0) as {{ feed }}_supplied
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('stg_feeds') }}
{%- endmacro %}
