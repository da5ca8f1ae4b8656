-- The customers by falling DB III of twelve months, and what they have earned together up to each of them. The figures
-- that sum the curve up belong in portfolio_concentration.
with ranked as (
    select
        month,
        customer_id,
        db3,
        row_number() over (
            partition by month order by db3 desc nulls last, customer_id asc nulls last
        ) as customer_rank,
        count(*) over (partition by month) as customer_count,
        sum(db3) over (partition by month) as total_db3,
        sum(db3) over (
            partition by month
            order by db3 desc nulls last, customer_id asc nulls last
            rows between unbounded preceding and current row
        ) as cumulative_db3
    from {{ ref('int_customer_years') }}
)

select
    month,
    cast(customer_rank as bigint) as rank,
    customer_id,
    db3,
    cast(cumulative_db3 as decimal(18, 4)) as cumulative_db3,
    {{ fine_share('customer_rank', 'customer_count') }} as customer_share,
    {{ fine_share('cumulative_db3', 'total_db3') }} as share
from ranked
