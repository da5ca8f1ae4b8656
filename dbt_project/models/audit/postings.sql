-- The trail from every published amount back to its source record: one signed posting per record and ladder
-- line. It is a view over the records, never a copy. Valuation belongs in the two valued models.
{{ config(materialized='view') }}

{#- Per ladder column: amount in company currency; the same amount in the source's currency. -#}
{%- set sales_columns = [
    ('list_sales', 'list_sales', 'list_amount'),
    (
        'invoice_discount',
        'invoice_discount',
        "case when line_type = 'discount' then -net_amount else discount_amount end",
    ),
    ('returns', 'returns', '-net_amount'),
    ('cogs', 'cogs', "case when cost_basis = 'line' then cost_amount else cogs end"),
    ('freight', '-freight_charged', '-net_amount'),
] %}

with column_postings as (
    {%- for column_name, amount, source_amount in sales_columns %}
    select
        'sales_lines' as feed,
        source_file,
        file_sha256,
        source_record,
        '{{ column_name }}' as column_name,
        customer_id,
        product_id,
        month,
        posting_date,
        document_no,
        line_no,
        {{ amount }} as amount,
        {%- if column_name == 'cogs' %}
        -- A unit cost is in company currency whatever the line's currency is.
        case when cost_basis = 'line' then currency else company_currency end as source_currency,
        {{ source_amount }} as source_amount,
        case when cost_basis = 'line' then exchange_rate else cast(1 as decimal(18, 8)) end as exchange_rate
        {%- else %}
        currency as source_currency,
        {{ source_amount }} as source_amount,
        exchange_rate
        {%- endif %}
    from {{ ref('int_sales_lines_valued') }}
    where is_inside_account and {{ amount }} <> 0
    union all
    {%- endfor %}
    select
        'customer_costs' as feed,
        source_file,
        file_sha256,
        source_record,
        column_name,
        customer_id,
        cast(null as string) as product_id,
        month,
        posting_date,
        document_no,
        cast(null as string) as line_no,
        amount,
        company_currency as source_currency,
        amount as source_amount,
        cast(1 as decimal(18, 8)) as exchange_rate
    from {{ ref('int_customer_costs_valued') }}
    where amount <> 0
)

select
    column_postings.feed,
    column_postings.source_file,
    column_postings.file_sha256,
    column_postings.source_record,
    ladder.line_code,
    column_postings.customer_id,
    column_postings.product_id,
    column_postings.month,
    column_postings.posting_date,
    column_postings.document_no,
    column_postings.line_no,
    cast(column_postings.amount as decimal(18, 4)) as amount,
    column_postings.source_currency,
    cast(column_postings.source_amount as decimal(18, 4)) as source_amount,
    cast(column_postings.exchange_rate as decimal(18, 8)) as exchange_rate
from column_postings
inner join {{ ref('ladder') }} as ladder
    on column_postings.column_name = ladder.column_name
