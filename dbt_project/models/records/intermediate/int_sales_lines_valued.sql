-- What every sales line is worth, in company currency, and whose it is: the one home of that rule.
-- Sums of lines belong in int_leaf_months and int_sales_documents.
--
-- A line outside the account (deposit, ignore) and a line without an exchange rate keep their row here,
-- with every amount 0, so that no record gets lost on the way.
with company as (
    select currency as company_currency
    from {{ ref('stg_company') }}
),

product_costs as (
    select
        product_id,
        unit_cost,
        valid_from,
        coalesce(
            lead(valid_from) over (partition by product_id order by valid_from asc nulls last),
            cast('9999-12-31' as date)
        ) as valid_before
    from {{ ref('stg_product_costs') }}
),

product_units as (
    {{ product_units() }}
),

returned_lines as (
    {{ returned_lines() }}
),

lines as (
    select
        source_file,
        file_sha256,
        source_sheet,
        source_record,
        document_no,
        line_no,
        document_type,
        line_type,
        posting_date,
        customer_id,
        product_id,
        {{ id_or_null('currency') }} as currency,
        {{ id_or_null('order_no') }} as order_no,
        {{ id_or_null('salesperson_id') }} as salesperson_id,
        original_document_no,
        {{ id_or_null('return_reason') }} as return_reason,
        quantity,
        unit_of_measure,
        list_amount,
        discount_amount,
        net_amount,
        cost_amount
    from {{ ref('stg_sales_lines') }}
),

resolved as (
    select
        lines.source_file,
        lines.file_sha256,
        lines.source_sheet,
        lines.source_record,
        lines.document_no,
        lines.line_no,
        lines.document_type,
        lines.line_type,
        lines.posting_date,
        lines.order_no,
        lines.salesperson_id,
        lines.original_document_no,
        lines.return_reason,
        lines.customer_id as carried_customer_id,
        lines.product_id as carried_product_id,
        {{ resolved_id('lines.customer_id') }} as customer_id,
        {{ resolved_id('lines.product_id') }} as product_id,
        company.company_currency,
        coalesce(lines.currency, company.company_currency) as currency,
        case
            when coalesce(lines.currency, company.company_currency) = company.company_currency
                then cast(1 as decimal(18, 8))
            else exchange_rates.rate
        end as exchange_rate,
        coalesce(lines.line_type in ('goods', 'freight_charge', 'fee', 'discount'), false) as belongs_in_account,
        -- In the product's own unit, which its unit cost is of.
        {{ in_own_unit('lines.quantity', 'units.factor') }} as quantity,
        units.product_id is null or units.factor is not null as is_unit_known,
        lines.list_amount,
        lines.discount_amount,
        lines.net_amount,
        lines.cost_amount,
        returned.sold_cost,
        -- NULL where it is too little to be a quantity of that unit: then nothing says what one of them cost.
        nullif({{ in_own_unit('returned.sold_quantity', 'sold_units.factor') }}, 0) as sold_quantity,
        product_costs.unit_cost
    from lines
    cross join company
    left join product_units as units
        on
            lines.line_type = 'goods'
            and {{ resolved_id('lines.product_id') }} = units.product_id
            and {{ unit_on_line('lines.unit_of_measure') }} = units.unit_of_measure
    left join returned_lines as returned
        on lines.document_no = returned.document_no and lines.line_no = returned.line_no
    left join product_units as sold_units
        on
            {{ resolved_id('lines.product_id') }} = sold_units.product_id
            and returned.sold_unit_of_measure = sold_units.unit_of_measure
    -- Goods that come back take back what they cost on the day they were sold.
    left join product_costs
        on
            lines.product_id = product_costs.product_id
            and coalesce(returned.sold_on, lines.posting_date) >= product_costs.valid_from
            and coalesce(returned.sold_on, lines.posting_date) < product_costs.valid_before
    left join {{ ref('stg_exchange_rates') }} as exchange_rates
        on
            lines.currency = exchange_rates.currency
            and lines.posting_date >= exchange_rates.valid_from
            and lines.posting_date < exchange_rates.valid_before
),

converted as (
    select
        source_file,
        file_sha256,
        source_sheet,
        source_record,
        document_no,
        line_no,
        document_type,
        line_type,
        posting_date,
        order_no,
        salesperson_id,
        original_document_no,
        return_reason,
        carried_customer_id,
        carried_product_id,
        customer_id,
        product_id,
        company_currency,
        currency,
        exchange_rate,
        quantity,
        list_amount,
        discount_amount,
        net_amount,
        cost_amount,
        belongs_in_account and exchange_rate is not null as is_inside_account,
        belongs_in_account and exchange_rate is null as is_rejected,
        -- What makes an order: goods that somebody bought. A change of cost has no quantity, a correction of a price no
        -- goods, a cancellation no positive sign, and a sample no amount: money of their month, and no order.
        coalesce(
            document_type = 'invoice' and line_type = 'goods' and quantity > 0 and net_amount > 0, false
        ) as sells_goods,
        -- A corrected price brings no goods back.
        coalesce(document_type = 'credit_note' and line_type = 'goods' and quantity < 0, false) as brings_goods_back,
        document_type = 'invoice' as is_invoice,
        document_type = 'credit_note' as is_credit_note,
        case
            when line_type = 'goods' and cost_amount is not null then 'line'
            when line_type = 'goods' and sold_cost is not null and sold_quantity is not null then 'sold_line'
            when line_type = 'goods' and unit_cost is not null and is_unit_known then 'unit_cost'
            -- A corrected price has no goods, so no cost is missing.
            when line_type = 'goods' and quantity <> 0 then 'none'
        end as cost_basis,
        -- The discount is the difference of the two converted amounts, so list - discount = net holds exactly.
        {{ at_rate('list_amount', 'exchange_rate') }} as list_in_company_currency,
        {{ at_rate('net_amount', 'exchange_rate') }} as net_in_company_currency,
        {{ at_rate('cost_amount', 'exchange_rate') }} as cost_in_company_currency,
        -- Unit costs are in company currency already.
        case
            when cost_amount is null then {{ money(exact_product('quantity', 'unit_cost', 6, 4)) }}
        end as cost_at_unit_cost,
        case
            when sold_cost is not null then {{ money_scaled_by('sold_cost', 'quantity', 'sold_quantity') }}
        end as cost_of_sold_line
    from resolved
)

select
    source_file,
    file_sha256,
    source_sheet,
    source_record,
    document_no,
    line_no,
    document_type,
    line_type,
    posting_date,
    {{ period_of('posting_date') }} as month,
    order_no,
    salesperson_id,
    original_document_no,
    return_reason,
    carried_customer_id,
    customer_id,
    carried_product_id,
    product_id,
    is_inside_account,
    is_rejected,
    is_inside_account and sells_goods as is_order_line,
    is_inside_account and brings_goods_back as is_return_line,
    cost_basis,
    quantity,
    currency,
    exchange_rate,
    list_amount,
    discount_amount,
    net_amount,
    cost_amount,
    company_currency,
    cast(
        case
            when is_inside_account and is_invoice and line_type in ('goods', 'fee')
                then list_in_company_currency
            else 0
        end as decimal(18, 4)
    ) as list_sales,
    cast(
        case
            when is_inside_account and is_invoice and line_type in ('goods', 'fee')
                then list_in_company_currency - net_in_company_currency
            when is_inside_account and is_invoice and line_type = 'discount'
                then -net_in_company_currency
            else 0
        end as decimal(18, 4)
    ) as invoice_discount,
    cast(
        case
            when is_inside_account and is_credit_note and line_type in ('goods', 'fee', 'discount')
                then -net_in_company_currency
            else 0
        end as decimal(18, 4)
    ) as returns,
    cast(
        case
            when is_inside_account and cost_basis = 'line' then cost_in_company_currency
            when is_inside_account and cost_basis = 'sold_line' then cost_of_sold_line
            when is_inside_account and cost_basis = 'unit_cost' then cost_at_unit_cost
            else 0
        end as decimal(18, 4)
    ) as cogs,
    cast(
        case
            when is_inside_account and line_type = 'freight_charge' then net_in_company_currency
            else 0
        end as decimal(18, 4)
    ) as freight_charged,
    cast(
        case
            when is_inside_account and is_invoice and cost_basis = 'none' then net_in_company_currency
            else 0
        end as decimal(18, 4)
    ) as sales_without_cost,
    cast(
        case
            when is_inside_account and is_credit_note and cost_basis = 'none' then -net_in_company_currency
            else 0
        end as decimal(18, 4)
    ) as returns_without_cost
from converted
