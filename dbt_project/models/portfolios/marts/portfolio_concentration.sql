-- How much of the company's DB III and net sales hangs on few customers, and on few chains, over twelve months: the
-- whale curves summed up. The curves themselves belong in whale_curve and chain_whale_curve.
with customers as (
    {{ concentration_of(ref('whale_curve'), ref('revenue_pareto'), 'customer') }}
),

chains as (
    {{ concentration_of(ref('chain_whale_curve'), ref('chain_whale_curve'), 'chain') }}
)

select
    customers.month,
    customers.customer_count,
    customers.total_db3,
    customers.peak_db3,
    customers.peak_customers,
    customers.peak_share,
    customers.erosion,
    customers.erosion_share,
    customers.top20_customers,
    customers.top20_share,
    customers.concentration_d,
    customers.stobachoff_s,
    customers.net_sales_gini,
    chains.chain_count,
    chains.peak_db3 as chain_peak_db3,
    chains.peak_chains,
    chains.peak_share as chain_peak_share,
    chains.erosion as chain_erosion,
    chains.erosion_share as chain_erosion_share,
    chains.top20_chains,
    chains.top20_share as chain_top20_share,
    chains.concentration_d as chain_concentration_d,
    chains.stobachoff_s as chain_stobachoff_s,
    chains.net_sales_gini as chain_net_sales_gini
from customers
left join chains
    on customers.month = chains.month
