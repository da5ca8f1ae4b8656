-- Which months the bridged windows are made of, now and then. Ends are numbered back from the last month, because
-- leaves are worked through one end after the other.
with ends as (
    select
        month,
        row_number() over (order by month desc nulls last) - 1 as end_number
    from (
        select distinct month
        from {{ ref('time_windows') }}
    ) as distinct_months
)

select
    cast(ends.end_number as bigint) as end_number,
    windows.month,
    windows.time_window,
    months.month as leaf_month,
    months.month >= windows.first_month as is_now
from {{ ref('time_windows') }} as windows
inner join ends
    on windows.month = ends.month
inner join {{ ref('months') }} as months
    on
        (windows.first_month <= months.month and windows.month >= months.month)
        or (windows.compared_first_month <= months.month and windows.compared_last_month >= months.month)
where windows.is_bridged
