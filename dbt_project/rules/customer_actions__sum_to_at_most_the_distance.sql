{# Fails for each customer whose actions come to more than its distance, or to less while one of them counts for less
   than it is worth; whose distance or explained share is not what its own figures say; and for ranks that are no
   list. #}
{% macro customer_actions__sum_to_at_most_the_distance() -%}
with customers as (
    select
        customer_id,
        sum(worth) as worth,
        sum(raw_worth) as raw_worth,
        min(worth) as smallest,
        max(case when worth = 0 and term is null then 1 else 0 end) = 1 as has_nothing_named,
        min(distance) as distance,
        max(distance) as other_distance,
        min(explained_share) as explained_share,
        max(explained_share) as other_share,
        min({{ money(exact_product('net_sales', 'benchmark_dg3', 4, 6)) }} - db3) as lacks
    from {{ ref('customer_actions') }}
    group by customer_id
),

ranks as (
    select
        count(*) as action_count,
        count(distinct action_rank) as rank_count,
        max(action_rank) as last_rank
    from {{ ref('customer_actions') }}
)

select
    customer_id,
    worth,
    distance,
    explained_share
from customers
where
    smallest < 0
    or has_nothing_named
    or worth > distance
    or (worth < distance and worth is distinct from raw_worth)
    or distance is distinct from other_distance
    or distance is distinct from lacks
    or explained_share is distinct from other_share
    or explained_share is distinct from {{ safe_ratio('worth', 'distance') }}
union all
select
    'ranks' as customer_id,
    cast(action_count as decimal(18, 4)) as worth,
    cast(last_rank as decimal(18, 4)) as distance,
    cast(null as decimal(18, 6)) as explained_share
from ranks
where action_count is distinct from rank_count or coalesce(last_rank, 0) is distinct from action_count
{%- endmacro %}
