-- From which segment to which the customers moved within twelve months, and what they bought. Rates of movement belong
-- in segment_movements.
with moves as (
    select
        month,
        from_segment,
        to_segment,
        -- Follows from the two segments and the month's rules, so it is the same for all of them.
        max(direction) as direction,
        count(*) as customers,
        sum(case when is_entered then 1 else 0 end) as entered_customers,
        sum(net_sales) as net_sales,
        sum(db2) as db2,
        sum(opening_net_sales) as opening_net_sales,
        sum(opening_db2) as opening_db2
    from {{ ref('int_segment_moves') }}
    group by month, from_segment, to_segment
)

select
    moves.month,
    moves.from_segment,
    moves.to_segment,
    moves.direction,
    cast(moves.customers as bigint) as customers,
    cast(moves.entered_customers as bigint) as entered_customers,
    cast(moves.net_sales as decimal(18, 4)) as net_sales,
    cast(moves.db2 as decimal(18, 4)) as db2,
    cast(moves.opening_net_sales as decimal(18, 4)) as opening_net_sales,
    cast(moves.opening_db2 as decimal(18, 4)) as opening_db2,
    versions.rule_version,
    versions.is_rule_change
from moves
inner join {{ ref('int_segment_versions') }} as versions
    on moves.month = versions.month and versions.time_window = 'month'
