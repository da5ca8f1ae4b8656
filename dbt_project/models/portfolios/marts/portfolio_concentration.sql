-- How much of the company's DB III and net sales hangs on few customers, over twelve months: the whale curve summed up.
-- The curve itself belongs in whale_curve.
with curve as (
    select
        month,
        count(*) as customer_count,
        sum(db3) as total_db3,
        -- The curve starts at 0 and rises as long as customers earn something: its peak is what these earn.
        sum(case when db3 > 0 then db3 else 0 end) as peak_db3,
        sum(case when db3 > 0 then 1 else 0 end) as peak_customers,
        sum(cumulative_db3) as sum_of_curve
    from {{ ref('whale_curve') }}
    group by month
),

-- A fifth of the customers, rounded up.
sized as (
    select
        month,
        customer_count,
        total_db3,
        peak_db3,
        peak_customers,
        sum_of_curve,
        {{ bigint_div('customer_count + 4', '5') }} as top20_customers
    from curve
),

-- Net sales in rising order, each times its place in it: the sum that the Gini coefficient is made of.
sales as (
    select
        month,
        count(*) as buyer_count,
        sum(net_sales) as total_sales,
        sum({{ exact_product('net_sales', 'place', 4, 0) }}) as sum_of_places
    from (
        select
            month,
            net_sales,
            row_number() over (partition by month order by net_sales asc nulls last) as place
        from {{ ref('revenue_pareto') }}
        where net_sales >= 0
    ) as buyers
    group by month
)

select
    sized.month,
    cast(sized.customer_count as bigint) as customer_count,
    cast(sized.total_db3 as decimal(18, 4)) as total_db3,
    cast(sized.peak_db3 as decimal(18, 4)) as peak_db3,
    cast(sized.peak_customers as bigint) as peak_customers,
    {{ fine_share('sized.peak_db3', 'sized.total_db3') }} as peak_share,
    cast(sized.peak_db3 - sized.total_db3 as decimal(18, 4)) as erosion,
    {{ fine_share('(sized.peak_db3 - sized.total_db3)', 'sized.peak_db3') }} as erosion_share,
    cast(sized.top20_customers as bigint) as top20_customers,
    top20.share as top20_share,
    -- With A = (2 sum C - T) / (2 n T), the area under the curve by trapezoids: D = 2A - 1, and S = D / (1 + D), both
    -- over the one denominator, so that they are rounded once.
    {{ fine_share(
        '(2 * sized.sum_of_curve - (sized.customer_count + 1) * sized.total_db3)',
        '(sized.customer_count * sized.total_db3)'
    ) }} as concentration_d,
    case
        when sized.total_db3 > 0 then {{ fine_share(
            '(2 * sized.sum_of_curve - (sized.customer_count + 1) * sized.total_db3)',
            '(2 * sized.sum_of_curve - sized.total_db3)'
        ) }}
    end as stobachoff_s,
    {{ fine_share(
        '(2 * sales.sum_of_places - (sales.buyer_count + 1) * sales.total_sales)',
        '(sales.buyer_count * sales.total_sales)'
    ) }} as net_sales_gini
from sized
inner join {{ ref('whale_curve') }} as top20
    on sized.month = top20.month and sized.top20_customers = top20.rank
left join sales
    on sized.month = sales.month
