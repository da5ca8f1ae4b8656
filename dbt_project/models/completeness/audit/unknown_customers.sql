-- Every record that is kept under the unknown customer, with what stood where its number should be.
-- Several sources may read one record of a file and find the same: that is one row.
with listed as (
    select
        'sales_lines' as feed,
        source_file,
        file_sha256,
        source_record,
        carried_customer_id,
        posting_date,
        document_no
    from {{ ref('int_sales_lines_valued') }}
    where is_inside_account and customer_id = {{ unknown_id() }}
    union all
    select
        'customer_costs' as feed,
        source_file,
        file_sha256,
        source_record,
        carried_customer_id,
        posting_date,
        document_no
    from {{ ref('int_customer_costs_valued') }}
    where customer_id = {{ unknown_id() }}
    union all
    select
        'activities' as feed,
        source_file,
        file_sha256,
        source_record,
        carried_customer_id,
        activity_date as posting_date,
        cast(null as string) as document_no
    from {{ ref('int_activities_resolved') }}
    where customer_id = {{ unknown_id() }}
    union all
    select
        'receivables' as feed,
        source_file,
        file_sha256,
        source_record,
        carried_customer_id,
        invoice_date as posting_date,
        document_no
    from {{ ref('int_receivables_resolved') }}
    where customer_id = {{ unknown_id() }}
    union all
    select
        'adjustments' as feed,
        source_file,
        file_sha256,
        source_record,
        carried_customer_id,
        month as posting_date,
        adjustment_no as document_no
    from {{ ref('int_adjustments_valued') }}
    where customer_id = {{ unknown_id() }}
)

select
    feed,
    source_file,
    file_sha256,
    source_record,
    carried_customer_id,
    posting_date,
    document_no,
    cast(count(*) as bigint) as record_count
from listed
group by feed, source_file, file_sha256, source_record, carried_customer_id, posting_date, document_no
