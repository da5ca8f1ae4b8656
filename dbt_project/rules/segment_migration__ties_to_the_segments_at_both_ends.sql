{# Fails for each month and segment where the moves into it are not the customers it has now, or the moves out of
   it, less the customers who were not there, not the ones it had twelve months before. Net sales and DB II
   likewise, those of the twelve months before where the accounts have them all. #}
{% macro segment_migration__ties_to_the_segments_at_both_ends() -%}
with compared as (
    select
        months.month,
        months.compared_first_month as opening_month,
        years.compared_first_month is not null as has_opening_sales
    from {{ ref('time_windows') }} as months
    inner join {{ ref('time_windows') }} as years
        on months.month = years.month and years.time_window = 'r12'
    where months.time_window = 'month' and months.compared_first_month is not null
),

moves as (
    select
        month,
        'closing' as side,
        to_segment as segment,
        sum(customers) as customers,
        sum(net_sales) as net_sales,
        sum(db2) as db2
    from {{ ref('segment_migration') }}
    group by month, to_segment
    union all
    select
        month,
        'opening' as side,
        from_segment as segment,
        sum(customers - entered_customers) as customers,
        sum(coalesce(opening_net_sales, 0)) as net_sales,
        sum(coalesce(opening_db2, 0)) as db2
    from {{ ref('segment_migration') }}
    group by month, from_segment
),

segments as (
    select
        compared.month,
        'closing' as side,
        segments.segment,
        count(*) as customers,
        sum(segments.net_sales_r12) as net_sales,
        sum(segments.db2_r12) as db2
    from compared
    inner join {{ ref('customer_segments') }} as segments
        on compared.month = segments.month
    group by compared.month, segments.segment
    union all
    select
        compared.month,
        'opening' as side,
        segments.segment,
        count(*) as customers,
        sum(case when compared.has_opening_sales then segments.net_sales_r12 else 0 end) as net_sales,
        sum(case when compared.has_opening_sales then segments.db2_r12 else 0 end) as db2
    from compared
    inner join {{ ref('customer_segments') }} as segments
        on compared.opening_month = segments.month
    group by compared.month, segments.segment
)

select
    coalesce(moves.month, segments.month) as month,
    coalesce(moves.side, segments.side) as side,
    coalesce(moves.segment, segments.segment) as segment,
    moves.customers as customers_moved,
    segments.customers,
    moves.net_sales as net_sales_moved,
    segments.net_sales,
    moves.db2 as db2_moved,
    segments.db2
from moves
full join segments
    on moves.month = segments.month and moves.side = segments.side and moves.segment = segments.segment
where
    coalesce(moves.customers, 0) is distinct from coalesce(segments.customers, 0)
    or coalesce(moves.net_sales, 0) is distinct from coalesce(segments.net_sales, 0)
    or coalesce(moves.db2, 0) is distinct from coalesce(segments.db2, 0)
{%- endmacro %}
