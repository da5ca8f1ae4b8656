{# Fails for each place on the whale curve that is not one further than the one before it, earns more than it, or
   does not add its own DB III to what the curve has come to. #}
{% macro whale_curve__never_rises_faster() -%}
with steps as (
    select
        month,
        rank,
        db3,
        cumulative_db3,
        lag(rank) over (partition by month order by rank asc nulls last) as rank_before,
        lag(db3) over (partition by month order by rank asc nulls last) as db3_before,
        lag(cumulative_db3) over (partition by month order by rank asc nulls last) as cumulative_before
    from {{ ref('whale_curve') }}
)

select
    month,
    rank,
    db3,
    db3_before,
    cumulative_db3,
    cumulative_before
from steps
where
    rank is distinct from coalesce(rank_before, 0) + 1
    or db3 > db3_before
    or cumulative_db3 is distinct from coalesce(cumulative_before, 0) + db3
{%- endmacro %}
