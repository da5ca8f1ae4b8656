-- The customers with an account in the twelve months that end with a month: who is on the whale curve and in the Pareto
-- analysis. Customers with an account only before that are in int_customer_windows and not here.
select
    windows.month,
    accounts.customer_id,
    cast(sum(accounts.net_sales) as decimal(18, 4)) as net_sales,
    cast(sum(accounts.db3) as decimal(18, 4)) as db3
from {{ ref('time_windows') }} as windows
inner join {{ ref('customer_accounts') }} as accounts
    on windows.first_month <= accounts.month and windows.month >= accounts.month
where windows.time_window = 'r12'
group by windows.month, accounts.customer_id
