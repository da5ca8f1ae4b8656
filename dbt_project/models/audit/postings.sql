-- The trail from every published amount back to its source record: one signed posting per record and ladder
-- line. It is a view over the records, never a copy. Valuation belongs in the two valued models.
{{ config(materialized='view') }}

-- Every line meets every amount line of the ladder, so that the records are read and valued once, not once per
-- line of the account.
with sales_postings as (
    select
        lines.source_file,
        lines.file_sha256,
        lines.source_record,
        ladder.line_code,
        lines.customer_id,
        lines.product_id,
        lines.month,
        lines.posting_date,
        lines.document_no,
        lines.line_no,
        case ladder.column_name
            when 'list_sales' then lines.list_sales
            when 'invoice_discount' then lines.invoice_discount
            when 'returns' then lines.returns
            when 'cogs' then lines.cogs
            when 'freight' then -lines.freight_charged
        end as amount,
        case
            when ladder.column_name = 'list_sales' then lines.list_amount
            when ladder.column_name = 'invoice_discount' and lines.line_type = 'discount' then -lines.net_amount
            when ladder.column_name = 'invoice_discount' then lines.discount_amount
            when ladder.column_name = 'cogs' and lines.cost_basis = 'unit_cost' then lines.cogs
            when ladder.column_name = 'cogs' then lines.cost_amount
            else -lines.net_amount
        end as source_amount,
        -- A unit cost is in company currency, whatever the line's currency is.
        case
            when ladder.column_name = 'cogs' and lines.cost_basis = 'unit_cost' then lines.company_currency
            else lines.currency
        end as source_currency,
        case
            when ladder.column_name = 'cogs' and lines.cost_basis = 'unit_cost' then cast(1 as decimal(18, 8))
            else lines.exchange_rate
        end as exchange_rate
    from {{ ref('int_sales_lines_valued') }} as lines
    cross join {{ ref('ladder') }} as ladder
    where lines.is_inside_account and ladder.line_kind = 'amount'
)

select
    'sales_lines' as feed,
    source_file,
    file_sha256,
    source_record,
    line_code,
    customer_id,
    product_id,
    month,
    posting_date,
    document_no,
    line_no,
    amount,
    source_currency,
    source_amount,
    exchange_rate
from sales_postings
where amount <> 0
union all
select
    'customer_costs' as feed,
    costs.source_file,
    costs.file_sha256,
    costs.source_record,
    ladder.line_code,
    costs.customer_id,
    cast(null as string) as product_id,
    costs.month,
    costs.posting_date,
    costs.document_no,
    cast(null as string) as line_no,
    costs.amount,
    costs.company_currency as source_currency,
    costs.amount as source_amount,
    cast(1 as decimal(18, 8)) as exchange_rate
from {{ ref('int_customer_costs_valued') }} as costs
inner join {{ ref('ladder') }} as ladder
    on costs.column_name = ladder.column_name
where costs.amount <> 0
