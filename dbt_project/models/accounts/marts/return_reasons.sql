-- What came back and what was credited, by the reason that the source gives. What returns take of sales belongs in
-- driver_opportunities, whose returns they are in return_reason_shares.
with lines as (
    select
        customer_id,
        product_id,
        coalesce(
            return_reason, case when is_return_line then {{ unknown_id() }} else {{ without_goods() }} end
        ) as return_reason,
        month,
        case when is_return_line then 1 else 0 end as return_lines,
        case when is_return_line then -quantity else 0 end as quantity,
        returns,
        case when is_return_line then -cogs else 0 end as cogs
    from {{ ref('int_sales_lines_valued') }}
    where is_return_line or returns <> 0
)

select
    customer_id,
    product_id,
    return_reason,
    month,
    cast(sum(return_lines) as bigint) as return_line_count,
    cast(sum(quantity) as decimal(18, 6)) as quantity,
    cast(sum(returns) as decimal(18, 4)) as amount,
    cast(sum(cogs) as decimal(18, 4)) as cogs
from lines
group by customer_id, product_id, return_reason, month
