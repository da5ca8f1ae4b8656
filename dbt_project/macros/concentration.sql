{# How much hangs on few, customers or chains: the curve, the ranking, and the figures that sum them up; and shares with
   the digits that these need. Whose figures of twelve months are ranked, the models decide. #}

{# dividend / divisor, decimal(18, 12), half away from zero. NULL unless the divisor is positive, and where the quotient
   reaches 100000 either way: against a total of next to nothing a share says nothing, and has no room.
   Both are sums of money amounts or counts of up to 18 digits before the point. #}
{% macro fine_share(dividend, divisor) -%}
    case
        when
            {{ divisor }} > 0
            and cast({{ dividend }} as decimal(22, 4)) < cast({{ divisor }} as decimal(22, 4)) * 100000
            and cast({{ dividend }} as decimal(22, 4)) > cast({{ divisor }} as decimal(22, 4)) * -100000
            then {{ div_round(dividend, divisor, 12) }}
    end
{%- endmacro %}

{# Whoever has an account in the twelve months, by falling DB III, and what they have earned together up to each.
   years: relation with month, key, db3 and, of chains, net_sales, which is shown beside it; one: 'customer' or 'chain', as columns begin and end. #}
{% macro whale_curve_of(years, one) -%}
with ranked as (
    select
        month,
        {{ one }}_id,
        {{ 'net_sales,' if one == 'chain' }}
        db3,
        row_number() over (
            partition by month order by db3 desc nulls last, {{ one }}_id asc nulls last
        ) as place,
        count(*) over (partition by month) as {{ one }}_count,
        sum(db3) over (partition by month) as total_db3,
        sum(db3) over (
            partition by month
            order by db3 desc nulls last, {{ one }}_id asc nulls last
            rows between unbounded preceding and current row
        ) as cumulative_db3
    from {{ years }}
)

select
    month,
    cast(place as bigint) as rank,
    {{ one }}_id,
    {{ 'net_sales,' if one == 'chain' }}
    db3,
    cast(cumulative_db3 as decimal(18, 4)) as cumulative_db3,
    {{ fine_share('place', one ~ '_count') }} as {{ one }}_share,
    {{ fine_share('cumulative_db3', 'total_db3') }} as share
from ranked
{%- endmacro %}

{# The figures that sum up a whale curve, per month.
   curve: relation as the one above gives it; sales: relation with month and net_sales of each; one: as for the curve. #}
{% macro concentration_of(curve, sales, one) -%}
with curve as (
    select
        month,
        count(*) as {{ one }}_count,
        sum(db3) as total_db3,
        -- The curve starts at 0 and rises as long as customers earn something: its peak is what these earn.
        sum(case when db3 > 0 then db3 else 0 end) as peak_db3,
        sum(case when db3 > 0 then 1 else 0 end) as peak_{{ one }}s,
        sum(cumulative_db3) as sum_of_curve
    from {{ curve }}
    group by month
),

-- A fifth of the customers, rounded up.
sized as (
    select
        month,
        {{ one }}_count,
        total_db3,
        peak_db3,
        peak_{{ one }}s,
        sum_of_curve,
        {{ bigint_div(one ~ '_count + 4', '5') }} as top20_{{ one }}s
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
        from {{ sales }}
        where net_sales >= 0
    ) as buyers
    group by month
)

select
    sized.month,
    cast(sized.{{ one }}_count as bigint) as {{ one }}_count,
    cast(sized.total_db3 as decimal(18, 4)) as total_db3,
    cast(sized.peak_db3 as decimal(18, 4)) as peak_db3,
    cast(sized.peak_{{ one }}s as bigint) as peak_{{ one }}s,
    {{ fine_share('sized.peak_db3', 'sized.total_db3') }} as peak_share,
    cast(sized.peak_db3 - sized.total_db3 as decimal(18, 4)) as erosion,
    {{ fine_share('(sized.peak_db3 - sized.total_db3)', 'sized.peak_db3') }} as erosion_share,
    cast(sized.top20_{{ one }}s as bigint) as top20_{{ one }}s,
    top20.share as top20_share,
    -- With A = (2 sum C - T) / (2 n T), the area under the curve by trapezoids: D = 2A - 1, and S = D / (1 + D), both
    -- over the one denominator, so that they are rounded once.
    {{ fine_share(
        '(2 * sized.sum_of_curve - (sized.' ~ one ~ '_count + 1) * sized.total_db3)',
        '(sized.' ~ one ~ '_count * sized.total_db3)'
    ) }} as concentration_d,
    case
        when sized.total_db3 > 0 then {{ fine_share(
            '(2 * sized.sum_of_curve - (sized.' ~ one ~ '_count + 1) * sized.total_db3)',
            '(2 * sized.sum_of_curve - sized.total_db3)'
        ) }}
    end as stobachoff_s,
    {{ fine_share(
        '(2 * sales.sum_of_places - (sales.buyer_count + 1) * sales.total_sales)',
        '(sales.buyer_count * sales.total_sales)'
    ) }} as net_sales_gini
from sized
inner join {{ curve }} as top20
    on sized.month = top20.month and sized.top20_{{ one }}s = top20.rank
left join sales
    on sized.month = sales.month
{%- endmacro %}

{# For rules: the places on a whale curve that are not one further than the one before, earn more than it, or do not add
   their own DB III to what the curve has come to.
   curve: relation as whale_curve_of gives it. #}
{% macro steps_too_high(curve) -%}
with steps as (
    select
        month,
        rank,
        db3,
        cumulative_db3,
        lag(rank) over (partition by month order by rank asc nulls last) as rank_before,
        lag(db3) over (partition by month order by rank asc nulls last) as db3_before,
        lag(cumulative_db3) over (partition by month order by rank asc nulls last) as cumulative_before
    from {{ curve }}
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
