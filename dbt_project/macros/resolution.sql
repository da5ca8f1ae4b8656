{# Which customer, product or salesperson a record belongs to. #}

{# Records that belong to no known customer or product are kept under this id. #}
{% macro unknown_id() -%}
    '(ukendt)'
{%- endmacro %}

{# The salesperson of everything nobody owns. #}
{% macro unassigned_id() -%}
    'Ikke tildelt'
{%- endmacro %}

{# An id with text in it, else NULL. #}
{% macro id_or_null(id) -%}
    case when trim({{ id }}) = '' then null else {{ id }} end
{%- endmacro %}

{# The id a record is kept under.
   id: as the record carries it; known_id: the id found in the feed (NULL when not found);
   is_supplied: 1 when the company supplies the feed. Without the feed, the ids on the records define it. #}
{% macro resolved_id(id, known_id, is_supplied) -%}
    case
            when coalesce(trim({{ id }}), '') = '' then {{ unknown_id() }}
            when {{ is_supplied }} = 1 and {{ known_id }} is null then {{ unknown_id() }}
            else {{ id }}
        end
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
