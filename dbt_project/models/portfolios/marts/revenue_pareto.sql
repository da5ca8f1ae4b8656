-- The customers by falling net sales of twelve months, and how much of the sales the largest of them make (the ABC or
-- Pareto analysis). The class here is of sales alone; the segments' size class follows the company's rules.
with years as (
    select
        month,
        customer_id,
        net_sales,
        -- Negative net sales count in no total: they would make the others' shares larger than they are.
        case when net_sales >= 0 then net_sales else 0 end as counted_sales
    from {{ ref('int_customer_years') }}
),

ranked as (
    select
        month,
        customer_id,
        net_sales,
        counted_sales,
        row_number() over (
            partition by month order by net_sales desc nulls last, customer_id asc nulls last
        ) as customer_rank,
        sum(counted_sales) over (partition by month) as total_sales,
        sum(counted_sales) over (
            partition by month
            order by net_sales desc nulls last, customer_id asc nulls last
            rows between unbounded preceding and current row
        ) as cumulative_sales
    from years
)

select
    month,
    cast(customer_rank as bigint) as rank,
    customer_id,
    net_sales,
    case when net_sales >= 0 then cast(cumulative_sales as decimal(18, 4)) end as cumulative_net_sales,
    case when net_sales >= 0 then {{ fine_share('cumulative_sales', 'total_sales') }} end as share,
    -- By the share before the customer: whoever crosses a line is on the better side of it.
    case
        when net_sales < 0 then {{ negative_class() }}
        when (cumulative_sales - counted_sales) * 100 < total_sales * 80 then 'A'
        when (cumulative_sales - counted_sales) * 100 < total_sales * 95 then 'B'
        else 'C'
    end as abc_class
from ranked
