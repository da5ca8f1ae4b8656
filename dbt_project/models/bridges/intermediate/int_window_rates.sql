-- What each foreign currency was worth in the window that is compared with, on average over what was sold in it;
-- NULL where nothing was. The company's own currency is always worth 1.
with currency_months as (
    select
        leaves.currency,
        leaves.month,
        sum(leaves.list_sales - leaves.invoice_discount - leaves.returns) as sales,
        sum(leaves.sales_in_currency) as sales_in_currency
    from {{ ref('int_leaf_months') }} as leaves
    cross join {{ ref('stg_company') }} as company
    where leaves.currency <> company.currency
    group by leaves.currency, leaves.month
),

currency_windows as (
    select
        months.currency,
        windows.month,
        windows.time_window,
        sum(case when windows.is_now then 0 else months.sales end) as sales_then,
        sum(case when windows.is_now then 0 else months.sales_in_currency end) as sales_in_currency_then
    from currency_months as months
    inner join {{ ref('int_window_months') }} as windows
        on months.month = windows.leaf_month
    group by months.currency, windows.month, windows.time_window
)

select
    currency,
    month,
    time_window,
    case
        when sales_in_currency_then > 0 then {{ div_round('sales_then', 'sales_in_currency_then', 8) }}
    end as rate_then
from currency_windows
