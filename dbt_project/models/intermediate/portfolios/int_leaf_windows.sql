-- Every leaf (customer, product, unit of measure, currency) over each window of time and the one it is compared with,
-- with what its price, cost and quantity did. Effects of a scope as a whole (volume, mix) belong in price_volume_mix.
-- Which months each window is made of, now and then: joined month by month, not by a range for each leaf.
with window_months as (
    select
        windows.month,
        windows.time_window,
        months.month as leaf_month,
        months.month < windows.first_month as is_then
    from {{ ref('time_windows') }} as windows
    inner join {{ ref('months') }} as months
        on
            (windows.first_month <= months.month and windows.month >= months.month)
            or (windows.compared_first_month <= months.month and windows.compared_last_month >= months.month)
    where windows.compared_first_month is not null
),

-- A leaf of one month has nothing to add up, and in a wide assortment that is every third row.
counted as (
    select
        customer_id,
        product_id,
        currency,
        month,
        quantity,
        sales,
        sales_in_currency,
        cogs,
        count(*) over (partition by customer_id, product_id, currency) as month_count
    from {{ ref('int_leaf_months') }}
),

-- Two halves, so that two processors share them.
windowed as (
    {%- for is_then in ['false', 'true'] %}
    select
        leaves.customer_id,
        leaves.product_id,
        leaves.currency,
        windows.month,
        windows.time_window,
        {{ is_then }} as is_then,
        leaves.quantity,
        leaves.sales,
        leaves.sales_in_currency,
        leaves.cogs
    from counted as leaves
    inner join window_months as windows
        on leaves.month = windows.leaf_month and windows.is_then = {{ is_then }}
    where leaves.month_count > 1
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

leaves as (
    select
        customer_id,
        product_id,
        currency,
        month,
        time_window,
        cast(sum(case when is_then then quantity else 0 end) as decimal(18, 6)) as quantity_then,
        cast(sum(case when is_then then 0 else quantity end) as decimal(18, 6)) as quantity_now,
        cast(sum(case when is_then then sales else 0 end) as decimal(18, 4)) as sales_then,
        cast(sum(case when is_then then 0 else sales end) as decimal(18, 4)) as sales_now,
        cast(sum(case when is_then then 0 else sales_in_currency end) as decimal(18, 4)) as sales_in_currency_now,
        cast(sum(case when is_then then cogs else 0 end) as decimal(18, 4)) as cogs_then,
        cast(sum(case when is_then then 0 else cogs end) as decimal(18, 4)) as cogs_now
    from windowed
    group by customer_id, product_id, currency, month, time_window
    union all
    select
        leaves.customer_id,
        leaves.product_id,
        leaves.currency,
        windows.month,
        windows.time_window,
        case when windows.is_then then leaves.quantity else 0 end as quantity_then,
        case when windows.is_then then 0 else leaves.quantity end as quantity_now,
        case when windows.is_then then leaves.sales else 0 end as sales_then,
        case when windows.is_then then 0 else leaves.sales end as sales_now,
        case when windows.is_then then 0 else leaves.sales_in_currency end as sales_in_currency_now,
        case when windows.is_then then leaves.cogs else 0 end as cogs_then,
        case when windows.is_then then 0 else leaves.cogs end as cogs_now
    from counted as leaves
    inner join window_months as windows
        on leaves.month = windows.leaf_month
    where leaves.month_count = 1
),

netted as (
    select
        customer_id,
        product_id,
        currency,
        month,
        time_window,
        quantity_then,
        quantity_now,
        sales_then,
        sales_now,
        sales_in_currency_now,
        cogs_then,
        cogs_now,
        case when quantity_then <> 0 or sales_then <> 0 or cogs_then <> 0 then 1 else 0 end as was_there,
        case when quantity_now <> 0 or sales_now <> 0 or cogs_now <> 0 then 1 else 0 end as is_there
    from leaves
),

customers as (
    select
        customer_id,
        month,
        time_window,
        max(was_there) as was_there,
        max(is_there) as is_there
    from netted
    group by customer_id, month, time_window
),

-- What each currency was worth then.
currency_months as (
    select
        currency,
        month,
        sum(sales) as sales,
        sum(sales_in_currency) as sales_in_currency
    from {{ ref('int_leaf_months') }}
    group by currency, month
),

currency_windows as (
    select
        months.currency,
        windows.month,
        windows.time_window,
        sum(case when windows.is_then then months.sales else 0 end) as sales_then,
        sum(case when windows.is_then then months.sales_in_currency else 0 end) as sales_in_currency_then
    from currency_months as months
    inner join window_months as windows
        on months.month = windows.leaf_month
    group by months.currency, windows.month, windows.time_window
),

rates as (
    select
        currencies.currency,
        currencies.month,
        currencies.time_window,
        case
            when currencies.currency = company.currency then cast(1 as decimal(18, 8))
            when currencies.sales_in_currency_then > 0
                then {{ div_round('currencies.sales_then', 'currencies.sales_in_currency_then', 8) }}
        end as rate_then
    from currency_windows as currencies
    cross join {{ ref('stg_company') }} as company
),

classed as (
    select
        leaves.customer_id,
        leaves.product_id,
        coalesce(products.unit_of_measure, '') as unit_of_measure,
        leaves.currency,
        leaves.month,
        leaves.time_window,
        case
            when
                leaves.quantity_then > 0
                and leaves.quantity_now > 0
                -- After returns, next to nothing may be left of a quantity: its price is no price.
                and leaves.quantity_now < cast(leaves.quantity_then as decimal(19, 6)) * 1000000
                then 'comparable'
            when leaves.was_there = 0 and leaves.quantity_now > 0 and customers.was_there = 0 then 'new_customer'
            when leaves.was_there = 0 and leaves.quantity_now > 0 then 'new_product'
            when leaves.is_there = 0 and leaves.quantity_then > 0 and customers.is_there = 0 then 'lost_customer'
            when leaves.is_there = 0 and leaves.quantity_then > 0 then 'lost_product'
            else 'not_comparable'
        end as kind,
        leaves.quantity_then,
        leaves.quantity_now,
        leaves.sales_then,
        leaves.sales_now,
        leaves.cogs_then,
        leaves.cogs_now,
        -- Without an earlier rate there is nothing to tell the exchange rate from the price by.
        case
            when rates.rate_then = 1 or rates.rate_then is null then leaves.sales_now
            else {{ money(exact_product('leaves.sales_in_currency_now', 'rates.rate_then', 4, 8)) }}
        end as sales_now_at_rate_then
    from netted as leaves
    inner join customers
        on
            leaves.customer_id = customers.customer_id
            and leaves.month = customers.month
            and leaves.time_window = customers.time_window
    inner join rates
        on
            leaves.currency = rates.currency
            and leaves.month = rates.month
            and leaves.time_window = rates.time_window
    inner join {{ ref('products') }} as products
        on leaves.product_id = products.product_id
)

select
    customer_id,
    product_id,
    unit_of_measure,
    currency,
    month,
    time_window,
    kind,
    quantity_then,
    quantity_now,
    sales_then,
    sales_now,
    cogs_then,
    cogs_now,
    sales_now_at_rate_then,
    -- What the quantity of now would have come to at the price, and at the unit cost, of then.
    cast(
        case when kind = 'comparable' then {{ scaled_by('sales_then', 'quantity_now', 'quantity_then') }} end
        as decimal(18, 6)
    ) as sales_at_price_then,
    cast(
        case when kind = 'comparable' then {{ scaled_by('cogs_then', 'quantity_now', 'quantity_then') }} end
        as decimal(18, 6)
    ) as cogs_at_cost_then
from classed
