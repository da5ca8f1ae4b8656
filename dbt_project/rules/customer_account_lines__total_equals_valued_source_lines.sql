{# Fails for each month and line whose total over all customers is not what the source records come to. The
   records are valued here a second time, by a different way (last rate and cost found by max, no customer
   resolution), so that an error in the intermediate models cannot hide. Bonus, pools and credit time are
   computed, not valued: their own tests guard them, here they must only arrive. Which line a type
   of cost goes to is taken as listed: the recalculation in kunderegnskab/audit has a list of its own. #}
{% macro customer_account_lines__total_equals_valued_source_lines() -%}
with company as (
    select currency as company_currency
    from {{ ref('stg_company') }}
),

lines as (
    select
        {{ period_of('sales.posting_date') }} as month,
        sales.document_type,
        sales.line_type,
        sales.posting_date,
        sales.document_no,
        sales.line_no,
        sales.original_document_no,
        sales.original_line_no,
        sales.product_id,
        case
            when trim(sales.currency) = '' then null
            when sales.currency = company.company_currency then null
            else sales.currency
        end as foreign_currency,
        sales.quantity as recorded_quantity,
        {{ in_own_unit('sales.quantity', 'units.factor') }} as quantity,
        units.product_id is null or units.factor is not null as is_unit_known,
        sales.list_amount,
        sales.net_amount,
        sales.cost_amount
    from {{ ref('stg_sales_lines') }} as sales
    cross join company
    left join {{ ref('int_product_units') }} as units
        on
            sales.line_type = 'goods'
            and {{ resolved_id('sales.product_id') }} = units.product_id
            and {{ unit_on_line('sales.unit_of_measure') }} = units.unit_of_measure
    where sales.line_type not in ('deposit', 'ignore')
),

rate_dates as (
    select
        days.foreign_currency,
        days.posting_date,
        max(rates.rate_date) as rate_date
    from (
        select distinct
            foreign_currency,
            posting_date
        from lines
        where foreign_currency is not null
    ) as days
    inner join {{ ref('stg_exchange_rates') }} as rates
        on days.foreign_currency = rates.currency and days.posting_date >= rates.rate_date
    group by days.foreign_currency, days.posting_date
),

day_rates as (
    select
        rate_dates.foreign_currency,
        rate_dates.posting_date,
        rates.rate
    from rate_dates
    inner join {{ ref('stg_exchange_rates') }} as rates
        on rate_dates.foreign_currency = rates.currency and rate_dates.rate_date = rates.rate_date
),

cost_dates as (
    select
        days.product_id,
        days.posting_date,
        max(costs.valid_from) as valid_from
    from (
        select distinct
            product_id,
            posting_date
        from lines
        where cost_amount is null
    ) as days
    inner join {{ ref('stg_product_costs') }} as costs
        on days.product_id = costs.product_id and days.posting_date >= costs.valid_from
    group by days.product_id, days.posting_date
),

day_costs as (
    select
        cost_dates.product_id,
        cost_dates.posting_date,
        costs.unit_cost
    from cost_dates
    inner join {{ ref('stg_product_costs') }} as costs
        on cost_dates.product_id = costs.product_id and cost_dates.valid_from = costs.valid_from
),

-- The line that goods without a cost of their own come back from.
sold as (
    select
        lines.document_no,
        lines.line_no,
        sold.posting_date,
        sold.quantity,
        {{ at_rate('sold.cost_amount', 'coalesce(day_rates.rate, 1)') }} as cost_amount
    from lines
    inner join lines as sold
        on
            lines.original_document_no = sold.document_no
            and lines.original_line_no = sold.line_no
            and lines.product_id = sold.product_id
    left join day_rates
        on sold.foreign_currency = day_rates.foreign_currency and sold.posting_date = day_rates.posting_date
    where
        lines.original_line_no is not null
        and lines.line_type = 'goods'
        and lines.recorded_quantity < 0
        and lines.cost_amount is null
        and sold.document_type = 'invoice'
        and sold.line_type = 'goods'
        and sold.recorded_quantity > 0
        and (sold.foreign_currency is null or day_rates.rate is not null)
),

valued as (
    select
        lines.month,
        lines.document_type,
        lines.line_type,
        {{ at_rate('lines.list_amount', 'coalesce(day_rates.rate, 1)') }} as list_amount,
        {{ at_rate('lines.net_amount', 'coalesce(day_rates.rate, 1)') }} as net_amount,
        coalesce(
            {{ at_rate('lines.cost_amount', 'coalesce(day_rates.rate, 1)') }},
            case
                when sold.cost_amount is not null
                    then {{ money_scaled_by('sold.cost_amount', 'lines.quantity', 'sold.quantity') }}
            end,
            {{ money(exact_product('lines.quantity', 'day_costs.unit_cost', 6, 4)) }},
            0
        ) as cost_amount
    from lines
    left join day_rates
        on lines.foreign_currency = day_rates.foreign_currency and lines.posting_date = day_rates.posting_date
    left join sold
        on lines.document_no = sold.document_no and lines.line_no = sold.line_no
    left join day_costs
        on
            lines.is_unit_known
            and lines.product_id = day_costs.product_id
            and coalesce(sold.posting_date, lines.posting_date) = day_costs.posting_date
    -- Without a rate a line is rejected: no company amount, in no line.
    where lines.foreign_currency is null or day_rates.rate is not null
),

months as (
    select
        month,
        document_type,
        line_type,
        sum(list_amount) as list_amount,
        sum(net_amount) as net_amount,
        sum(cost_amount) as cost_amount
    from valued
    group by month, document_type, line_type
),

source_amounts as (
    select
        month,
        'list_sales' as column_name,
        list_amount as amount
    from months
    where document_type = 'invoice' and line_type in ('goods', 'fee')
    union all
    select
        month,
        'invoice_discount' as column_name,
        case when line_type = 'discount' then 0 else list_amount end - net_amount as amount
    from months
    where document_type = 'invoice' and line_type in ('goods', 'fee', 'discount')
    union all
    select
        month,
        'returns' as column_name,
        -net_amount as amount
    from months
    where document_type = 'credit_note' and line_type in ('goods', 'fee', 'discount')
    union all
    select
        month,
        'cogs' as column_name,
        cost_amount as amount
    from months
    where line_type = 'goods'
    union all
    select
        month,
        'freight' as column_name,
        -net_amount as amount
    from months
    where line_type = 'freight_charge'
    union all
    select
        {{ period_of('posting_date') }} as month,
        case cost_type
            {%- for cost_type, column in cost_type_lines().items() %}
            when '{{ cost_type }}' then '{{ column }}'
            {%- endfor %}
        end as column_name,
        amount
    from {{ ref('stg_customer_costs') }}
    union all
    select
        month,
        'bonus' as column_name,
        accrued - released as amount
    from {{ ref('int_bonus_accruals') }}
    union all
    select
        month,
        case line_code when 'K55' then 'order_cost' else 'sales_effort_cost' end as column_name,
        allocated as amount
    from {{ ref('allocation_steps') }}
    where allocated is distinct from 0
    union all
    select
        month,
        'credit_cost' as column_name,
        amount
    from {{ ref('int_credit_costs') }}
    union all
    select
        adjustments.month,
        ladder.column_name,
        adjustments.amount
    from {{ ref('stg_adjustments') }} as adjustments
    left join {{ ref('ladder') }} as ladder
        on adjustments.line_code = ladder.line_code
),

source_totals as (
    select
        source_amounts.month,
        ladder.line_code,
        cast(
            sum(
                case
                    when ladder.line_kind = 'amount' then source_amounts.amount
                    when amount_lines.sign = 1 then source_amounts.amount
                    else -source_amounts.amount
                end
            ) as decimal(18, 4)
        ) as amount
    from source_amounts
    -- A column that the ladder does not have must turn this test red, so its amounts stay, under no line.
    left join {{ ref('ladder') }} as amount_lines
        on source_amounts.column_name = amount_lines.column_name
    left join {{ ref('ladder') }} as ladder
        on
            amount_lines.line_code = ladder.line_code
            or (ladder.line_kind = 'subtotal' and ladder.level = 'customer' and amount_lines.position < ladder.position)
    group by source_amounts.month, ladder.line_code
),

account_totals as (
    select
        month,
        line_code,
        cast(sum(amount) as decimal(18, 4)) as amount
    from {{ ref('customer_account_lines') }}
    group by month, line_code
)

select
    coalesce(source_totals.month, account_totals.month) as month,
    coalesce(source_totals.line_code, account_totals.line_code) as line_code,
    source_totals.amount as source_amount,
    account_totals.amount as published_amount
from source_totals
full join account_totals
    on source_totals.month = account_totals.month and source_totals.line_code = account_totals.line_code
where coalesce(source_totals.amount, 0) is distinct from coalesce(account_totals.amount, 0)
{%- endmacro %}
