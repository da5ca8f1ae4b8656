-- The whale curve of chains. Whoever is in no chain is ranked as its own, so that it ends at the company's DB III;
-- without chains there is none to draw. That of customers belongs in whale_curve.
with any_chain as (
    select max(chain_customers) as largest
    from {{ ref('customers') }}
),

years as (
    select
        customer_years.month,
        customers.chain_id,
        cast(sum(customer_years.net_sales) as decimal(18, 4)) as net_sales,
        cast(sum(customer_years.db3) as decimal(18, 4)) as db3
    from {{ ref('int_customer_years') }} as customer_years
    inner join {{ ref('customers') }} as customers
        on customer_years.customer_id = customers.customer_id
    cross join any_chain
    where any_chain.largest > 1
    group by customer_years.month, customers.chain_id
)

select
    month,
    rank,
    chain_id,
    net_sales,
    db3,
    cumulative_db3,
    chain_share,
    share
from (
    {{ whale_curve_of('years', 'chain') }}
) as curve
