{# Giving a whole number of units out by weight. What is given out, and to whom, the models decide. #}

{# Gives `units` out over the rows of `relation` in proportion to `weight`, whole units only, so that the rows of a
   group sum to its units exactly: everyone gets the part rounded down, and what is then left goes, one unit each, to
   the largest remainders; equal remainders by `key`.

   relation: a CTE or model with the columns below, at most one row per group and key
   group: list of columns; units is the same on all rows of a group
   key: column that tells the rows of a group apart
   units: whole number, may be negative (then each row's part is)
   weight: decimal(18, 6), not negative, and above 0 for at least one row of a group
   Gives the columns of group, key, weight and given_units (bigint).

   The order of the rows does not matter, nor does multiplying all weights by the same number. The two ways to
   compute a part give the same; the one in bigint is ten times as fast, and is used where it cannot overflow. Rows
   are ranked only within the bucket of remainders where the last unit falls, because ranking all of them would take
   longer than everything else. #}
{% macro give_out(relation, group, key, units, weight) -%}
{%- set by_group = group | join(', ') -%}
{%- set buckets = 1000 -%}
with give_out_weighed as (
    select
        {{ by_group }},
        {{ key }},
        {{ weight }} as weight,
        case when {{ units }} < 0 then -1 else 1 end as direction,
        abs(cast({{ units }} as bigint)) as units,
        -- In two parts: the product itself has more digits than a bigint's arithmetic, and that is ten times as slow.
        cast(floor({{ weight }}) as bigint) * 1000000
        + cast(cast({{ weight }} % 1 as decimal(7, 6)) * 1000000 as bigint) as raw_weight
    from {{ relation }}
),

-- Weights are cut down by the power of ten that they all share.
give_out_extents as (
    select
        {{ by_group }},
        max(units) as units,
        cast(sum(raw_weight) as decimal(38, 0)) as raw_total,
        max(raw_weight) as raw_most,
        min(
            case
                when raw_weight % 1000000 = 0 then 1000000
                when raw_weight % 10000 = 0 then 10000
                when raw_weight % 100 = 0 then 100
                else 1
            end
        ) as weight_step
    from give_out_weighed
    group by {{ by_group }}
),

give_out_totals as (
    select
        {{ by_group }},
        weight_step,
        cast({{ int_div('raw_total', 'weight_step') }} as decimal(38, 0)) as total_weight,
        (
            cast(units as decimal(19, 0)) * cast({{ int_div('raw_most', 'weight_step') }} as decimal(19, 0))
            < cast(9000000000000000000 as decimal(38, 0))
            and raw_total < cast(9000000000000000 as decimal(38, 0))
        ) as fits_in_bigint
    from give_out_extents
),

give_out_whole as (
    select
        {% for column in group %}weighed.{{ column }}, {% endfor %}
        weighed.{{ key }},
        weighed.weight,
        weighed.direction,
        weighed.units,
        {{ bigint_div('weighed.raw_weight', 'totals.weight_step') }} as weight_steps,
        totals.total_weight,
        totals.fits_in_bigint,
        cast(case when totals.fits_in_bigint then totals.total_weight end as bigint) as small_total,
        case
            when totals.fits_in_bigint
                then {{ bigint_div(
                    'weighed.units * ' ~ bigint_div('weighed.raw_weight', 'totals.weight_step'),
                    'cast(case when totals.fits_in_bigint then totals.total_weight end as bigint)'
                ) }}
            else cast({{ int_div(
                'cast(weighed.units as decimal(19, 0)) * cast(' ~ bigint_div('weighed.raw_weight', 'totals.weight_step') ~ ' as decimal(19, 0))',
                'totals.total_weight'
            ) }} as bigint)
        end as whole_units
    from give_out_weighed as weighed
    inner join give_out_totals as totals
        on {% for column in group %}weighed.{{ column }} = totals.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
),

give_out_rest as (
    select
        {{ by_group }},
        {{ key }},
        weight,
        direction,
        units,
        whole_units,
        total_weight,
        small_total,
        fits_in_bigint,
        case when fits_in_bigint then units * weight_steps - whole_units * small_total end as small_rest,
        case
            when not fits_in_bigint
                then
                    cast(units as decimal(19, 0)) * cast(weight_steps as decimal(19, 0))
                    - cast(whole_units as decimal(19, 0)) * cast(total_weight as decimal(19, 0))
        end as large_rest
    from give_out_whole
),

give_out_bucketed as (
    select
        {{ by_group }},
        {{ key }},
        weight,
        direction,
        units,
        whole_units,
        small_rest,
        large_rest,
        case
            when fits_in_bigint then {{ bigint_div('small_rest * ' ~ buckets, 'small_total') }}
            else cast({{ int_div('large_rest * ' ~ buckets, 'total_weight') }} as bigint)
        end as bucket
    from give_out_rest
),

give_out_counts as (
    select
        {{ by_group }},
        bucket,
        max(units) as units,
        cast(count(*) as bigint) as row_count,
        cast(sum(whole_units) as bigint) as whole_units
    from give_out_bucketed
    group by {{ by_group }}, bucket
),

-- How many rows of each bucket get one unit more: all, none, or in one bucket some.
give_out_buckets as (
    select
        {{ by_group }},
        bucket,
        row_count,
        greatest(
            0,
            least(
                row_count,
                max(units) over (partition by {{ by_group }})
                - cast(sum(whole_units) over (partition by {{ by_group }}) as bigint)
                - cast(
                    sum(row_count) over (
                        partition by {{ by_group }}
                        order by bucket desc nulls last
                        rows between unbounded preceding and current row
                    ) as bigint
                )
                + row_count
            )
        ) as units_more
    from give_out_counts
)
{% for is_ranked in [false, true] %}
select
    {% for column in group %}bucketed.{{ column }}, {% endfor %}
    bucketed.{{ key }},
    bucketed.weight,
    cast(
        bucketed.direction * (
            bucketed.whole_units
            {%- if is_ranked %}
            + case
                when row_number() over (
                    partition by {% for column in group %}bucketed.{{ column }}, {% endfor %}bucketed.bucket
                    order by bucketed.small_rest desc nulls last, bucketed.large_rest desc nulls last, bucketed.{{ key }} asc nulls last
                ) <= buckets.units_more then 1
                else 0
            end
            {%- else %}
            + case when buckets.units_more > 0 then 1 else 0 end
            {%- endif %}
        ) as bigint
    ) as given_units
from give_out_bucketed as bucketed
inner join give_out_buckets as buckets
    on
        bucketed.bucket = buckets.bucket
        {% for column in group %}and bucketed.{{ column }} = buckets.{{ column }} {% endfor %}
where
    {% if is_ranked %}buckets.units_more > 0 and buckets.units_more < buckets.row_count
    {%- else %}buckets.units_more = 0 or buckets.units_more = buckets.row_count
    {%- endif %}
{{ 'union all' if not is_ranked }}
{%- endfor %}
{%- endmacro %}
