{# Documents and leaves are two sums of the same lines: fails for each customer and month where they differ, and for
   each file of which a line is lost or counted twice. #}
{% macro int_sales_documents__hold_every_line() -%}
{%- set measures = [
    'list_sales', 'invoice_discount', 'returns', 'cogs', 'freight_charged', 'sales_without_cost',
    'returns_without_cost', 'line_count', 'return_line_count',
] %}

with documents as (
    select
        {%- for measure in measures %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        customer_id,
        month
    from {{ ref('int_sales_documents') }}
    where is_inside_account
    group by customer_id, month
),

leaves as (
    select
        {%- for measure in measures %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        customer_id,
        month
    from {{ ref('int_leaf_months') }}
    group by customer_id, month
),

files as (
    select
        source_file,
        file_sha256,
        sum(record_count) as record_count
    from {{ ref('int_sales_documents') }}
    group by source_file, file_sha256
)

select
    coalesce(documents.customer_id, leaves.customer_id) as customer_id,
    coalesce(documents.month, leaves.month) as month,
    cast(null as string) as source_file
from documents
full join leaves
    on documents.customer_id = leaves.customer_id and documents.month = leaves.month
where
    documents.customer_id is null
    or leaves.customer_id is null
    {%- for measure in measures %}
    or documents.{{ measure }} is distinct from leaves.{{ measure }}
    {%- endfor %}
union all
select
    cast(null as string) as customer_id,
    cast(null as date) as month,
    loaded.source_file
from {{ ref('stg_files') }} as loaded
left join files
    on loaded.source_file = files.source_file and loaded.file_sha256 = files.file_sha256
where loaded.feed = 'sales_lines' and loaded.records_loaded is distinct from coalesce(files.record_count, 0)
{%- endmacro %}
