-- Every record that is kept under the unknown customer, with what stood where its number should be.
-- Several sources may read one record of a file and find the same: that is one row.
{%- set carriers = [
    ('sales_lines', 'int_sales_lines_valued', 'posting_date', 'document_no', 'is_inside_account and '),
    ('customer_costs', 'int_customer_costs_valued', 'posting_date', 'document_no', ''),
    ('activities', 'int_activities_resolved', 'activity_date as posting_date', 'cast(null as string) as document_no', ''),
    ('receivables', 'int_receivables_resolved', 'invoice_date as posting_date', 'document_no', ''),
    ('adjustments', 'int_adjustments_valued', 'month as posting_date', 'adjustment_no as document_no', ''),
] %}

with listed as (
    {%- for feed, model, day, number, condition in carriers %}
    select
        '{{ feed }}' as feed,
        source_file,
        file_sha256,
        source_sheet,
        source_record,
        carried_customer_id,
        {{ day }},
        {{ number }}
    from {{ ref(model) }}
    where {{ condition }}customer_id = {{ unknown_id() }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    feed,
    source_file,
    file_sha256,
    source_sheet,
    source_record,
    carried_customer_id,
    posting_date,
    document_no,
    cast(count(*) as bigint) as record_count
from listed
group by feed, source_file, file_sha256, source_sheet, source_record, carried_customer_id, posting_date, document_no
