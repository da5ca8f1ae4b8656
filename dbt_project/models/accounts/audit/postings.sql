-- The trail from every published amount back to its source record: one signed posting per record and ladder
-- line. It is a view over the records, never a copy. What a record is worth is decided in the models
-- int_..._valued, and the costs that no record carries are computed in the models named below.
{{ config(materialized='view') }}

-- Every line meets each line of the ladder that sales lines are posted on, so that the records are read and valued
-- once, not once per line of the account.
{%- set amounts = {
    'list_sales': 'lines.list_sales',
    'invoice_discount': 'lines.invoice_discount',
    'returns': 'lines.returns',
    'cogs': 'lines.cogs',
    'freight': '-lines.freight_charged',
} %}

with sales_postings as (
    select
        lines.source_file,
        lines.file_sha256,
        lines.source_sheet,
        lines.source_record,
        ladder.line_code,
        lines.customer_id,
        lines.product_id,
        lines.month,
        lines.posting_date,
        lines.document_no,
        lines.line_no,
        case ladder.column_name
            {%- for column, amount in amounts.items() %}
            when '{{ column }}' then {{ amount }}
            {%- endfor %}
        end as amount,
        case
            when ladder.column_name = 'list_sales' then lines.list_amount
            when ladder.column_name = 'invoice_discount' and lines.line_type = 'discount' then -lines.net_amount
            when ladder.column_name = 'invoice_discount' then lines.discount_amount
            when ladder.column_name = 'cogs' and lines.cost_basis <> 'line' then lines.cogs
            when ladder.column_name = 'cogs' then lines.cost_amount
            else -lines.net_amount
        end as source_amount,
        -- A unit cost, and what a sold line cost, is in company currency, whatever the line's currency is.
        case
            when ladder.column_name = 'cogs' and lines.cost_basis <> 'line' then lines.company_currency
            else lines.currency
        end as source_currency,
        case
            when ladder.column_name = 'cogs' and lines.cost_basis <> 'line' then cast(1 as decimal(18, 8))
            else lines.exchange_rate
        end as exchange_rate
    from {{ ref('int_sales_lines_valued') }} as lines
    cross join {{ ref('ladder') }} as ladder
    where lines.is_inside_account and ladder.column_name in ({{ quoted(amounts) }})
)

select
    'sales_lines' as feed,
    source_file,
    file_sha256,
    source_sheet,
    source_record,
    line_code,
    customer_id,
    product_id,
    month,
    posting_date,
    document_no,
    line_no,
    cast(null as string) as cost_pool_id,
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
    costs.source_sheet,
    costs.source_record,
    ladder.line_code,
    costs.customer_id,
    cast(null as string) as product_id,
    costs.month,
    costs.posting_date,
    costs.document_no,
    cast(null as string) as line_no,
    cast(null as string) as cost_pool_id,
    costs.amount,
    costs.company_currency as source_currency,
    costs.amount as source_amount,
    cast(1 as decimal(18, 8)) as exchange_rate
from {{ ref('int_customer_costs_valued') }} as costs
inner join {{ ref('ladder') }} as ladder
    on costs.column_name = ladder.column_name
where costs.amount <> 0
union all
select
    'adjustments' as feed,
    adjustments.source_file,
    adjustments.file_sha256,
    adjustments.source_sheet,
    adjustments.source_record,
    adjustments.line_code,
    adjustments.customer_id,
    cast(null as string) as product_id,
    adjustments.month,
    {{ first_day_of('adjustments.month') }} as posting_date,
    adjustments.adjustment_no as document_no,
    cast(null as string) as line_no,
    cast(null as string) as cost_pool_id,
    adjustments.amount,
    company.currency as source_currency,
    adjustments.amount as source_amount,
    cast(1 as decimal(18, 8)) as exchange_rate
from {{ ref('int_adjustments_valued') }} as adjustments
cross join {{ ref('stg_company') }} as company
where adjustments.amount <> 0
union all
select
    'receivables' as feed,
    credit.source_file,
    credit.file_sha256,
    credit.source_sheet,
    credit.source_record,
    ladder.line_code,
    credit.customer_id,
    cast(null as string) as product_id,
    credit.month,
    {{ last_day_of('credit.month') }} as posting_date,
    credit.document_no,
    cast(null as string) as line_no,
    cast(null as string) as cost_pool_id,
    credit.amount,
    company.currency as source_currency,
    credit.amount as source_amount,
    cast(1 as decimal(18, 8)) as exchange_rate
from {{ ref('int_credit_costs') }} as credit
cross join {{ ref('stg_company') }} as company
inner join {{ ref('ladder') }} as ladder
    on ladder.column_name = 'credit_cost'
union all
-- An accrual comes from an agreement and the month's sales, a share of a pool from many ledger entries: neither has
-- one source record. bonus_roll_forward and allocations hold what they were computed from.
select
    'bonus_agreements' as feed,
    cast(null as string) as source_file,
    cast(null as string) as file_sha256,
    cast(null as string) as source_sheet,
    cast(null as bigint) as source_record,
    ladder.line_code,
    bonus.customer_id,
    cast(null as string) as product_id,
    bonus.month,
    {{ last_day_of('bonus.month') }} as posting_date,
    cast(null as string) as document_no,
    cast(null as string) as line_no,
    cast(null as string) as cost_pool_id,
    cast(bonus.accrued - bonus.released as decimal(18, 4)) as amount,
    company.currency as source_currency,
    cast(bonus.accrued - bonus.released as decimal(18, 4)) as source_amount,
    cast(1 as decimal(18, 8)) as exchange_rate
from {{ ref('bonus_roll_forward') }} as bonus
cross join {{ ref('stg_company') }} as company
inner join {{ ref('ladder') }} as ladder
    on ladder.column_name = 'bonus'
where bonus.accrued <> bonus.released
union all
select
    'cost_pools' as feed,
    cast(null as string) as source_file,
    cast(null as string) as file_sha256,
    cast(null as string) as source_sheet,
    cast(null as bigint) as source_record,
    receivers.line_code,
    receivers.customer_id,
    cast(null as string) as product_id,
    receivers.month,
    {{ last_day_of('receivers.month') }} as posting_date,
    cast(null as string) as document_no,
    cast(null as string) as line_no,
    receivers.cost_pool_id,
    receivers.amount,
    company.currency as source_currency,
    receivers.amount as source_amount,
    cast(1 as decimal(18, 8)) as exchange_rate
from {{ ref('int_pool_receivers') }} as receivers
cross join {{ ref('stg_company') }} as company
where receivers.amount <> 0
