{# Compares what was built with the contracts, in one query when everything is built. dbt's own comparison, one query
   per model before it is built, is what macros/materializations.sql leaves out. #}

{# Stops the run if a table with a contract has other columns, another order or other types than declared.
   results: what the run did, as dbt hands it to the end of a run. #}
{% macro require_contracts(results) -%}
{%- if execute %}
    {%- set built = {} %}
    {%- set query %}
select
    schema_name || '.' || table_name as relation_name,
    column_name,
    lower(data_type) as data_type
from duckdb_columns()
where database_name = current_database() and not internal
order by schema_name, table_name, column_index
    {%- endset %}
    {%- for row in run_query(query).rows %}
        {%- do built.setdefault(row[0], []).append(row[1] ~ ' ' ~ row[2]) %}
    {%- endfor %}
    {%- set broken = [] %}
    {%- for result in results if result.status == 'success' and result.node.resource_type == 'model'
        and result.node.config.contract.enforced %}
        {%- set declared = [] %}
        {%- for column in result.node.columns.values() %}
            {%- set type = column.data_type | lower | replace(' ', '') %}
            {%- do declared.append(column.name ~ ' ' ~ ('varchar' if type == 'string' else type)) %}
        {%- endfor %}
        {%- set found = built.get(result.node.schema ~ '.' ~ result.node.name, []) %}
        {%- if found != declared %}
            {%- set lacking = declared | reject('in', found) | join(', ') or 'nothing' %}
            {%- set surplus = found | reject('in', declared) | join(', ') or 'nothing' %}
            {%- do broken.append(
                result.node.name ~ ': declared but not built: ' ~ lacking ~ '; built but not declared: ' ~ surplus
                ~ ('; the order differs' if lacking == 'nothing' and surplus == 'nothing' else '')
            ) %}
        {%- endif %}
    {%- endfor %}
    {%- if broken %}
        {{ exceptions.raise_compiler_error('Tables are not what their contracts declare:\n' ~ broken | join('\n')) }}
    {%- endif %}
{%- endif %}
{%- endmacro %}
