{# How tables and views get into a warehouse that is new at every refresh. dbt's own way is made for one that readers
   use: it builds beside, renames, keeps a backup and plans each query twice for its contract, which takes more than
   half of a model's time. Contracts are compared once, when all is built: see contracts.sql.

   Where a warehouse is kept, a table or view is replaced by what is built again; one that has become the other must be
   dropped first, and DuckDB says so. #}

{% materialization table, adapter='duckdb' -%}
    {{ return(built(this.incorporate(type='table'), sql)) }}
{%- endmaterialization %}

{% materialization view, adapter='duckdb' -%}
    {{ return(built(this.incorporate(type='view'), sql)) }}
{%- endmaterialization %}

{# Builds one relation in one statement, without a transaction around it. #}
{% macro built(relation, sql) -%}
    {%- if config.get('pre_hook') or config.get('post_hook') %}
        {{ exceptions.raise_compiler_error('Hooks of a model are not run by this materialization.') }}
    {%- endif %}
    {%- call statement('main', auto_begin=False) %}
create or replace {{ relation.type }} {{ relation }} as (
{{ sql }}
)
    {%- endcall %}
    {{ return({'relations': [relation]}) }}
{%- endmacro %}
