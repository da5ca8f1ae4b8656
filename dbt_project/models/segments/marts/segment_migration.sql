-- From which segment to which the customers moved within twelve months, and what they bought. Rates of movement belong
-- in segment_movements.
select
    month,
    from_segment,
    to_segment,
    -- Follows from the two segments and the month's rules, so it is the same for all of them.
    max(direction) as direction,
    cast(count(*) as bigint) as customers,
    cast(sum(case when is_entered then 1 else 0 end) as bigint) as entered_customers,
    cast(sum(net_sales) as decimal(18, 4)) as net_sales,
    cast(sum(db2) as decimal(18, 4)) as db2,
    cast(sum(opening_net_sales) as decimal(18, 4)) as opening_net_sales,
    cast(sum(opening_db2) as decimal(18, 4)) as opening_db2
from {{ ref('int_segment_moves') }}
group by month, from_segment, to_segment
