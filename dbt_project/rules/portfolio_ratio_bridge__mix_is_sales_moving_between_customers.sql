{# Fails for each scope, window and ratio whose mix is not what it is said to be: over the customers with net
   sales in both windows, the change of a customer's share of the net sales x how far its ratio of then was from
   the whole's. The bridge has it as what is left of the change; here it is added up, customer by customer. A
   customer whose sales are ten thousand times those of the whole has no share with twelve decimals: that scope
   is not asked. #}
{% macro portfolio_ratio_bridge__mix_is_sales_moving_between_customers() -%}
{%- set levels = ['1', '2', '3'] %}

with scoped as (
    {{ ratio_bridge_customers() }}
),

bridges as (
    select
        scope_type,
        scope_id,
        month,
        {%- for level in levels %}
        dg{{ level }}_effect,
        {%- endfor %}
        time_window
    from {{ ref('portfolio_ratio_bridge') }}
    where component = 'mix'
),

sums as (
    select
        scoped.scope_type,
        scoped.scope_id,
        scoped.month,
        scoped.time_window,
        {%- for level in levels %}
        bridges.dg{{ level }}_effect,
        cast(sum(scoped.compared_db{{ level }}) as decimal(18, 4)) as compared_db{{ level }},
        {%- endfor %}
        cast(sum(scoped.net_sales) as decimal(18, 4)) as net_sales,
        cast(sum(scoped.compared_net_sales) as decimal(18, 4)) as compared_net_sales
    from scoped
    inner join bridges
        on
            scoped.scope_type = bridges.scope_type
            and scoped.scope_id = bridges.scope_id
            and scoped.month = bridges.month
            and scoped.time_window = bridges.time_window
    group by
        scoped.scope_type,
        scoped.scope_id,
        scoped.month,
        {%- for level in levels %}
        bridges.dg{{ level }}_effect,
        {%- endfor %}
        scoped.time_window
    having
        {{ is_comparable_part('max(abs(scoped.net_sales))', 'sum(scoped.net_sales)') }}
        and {{ is_comparable_part('max(abs(scoped.compared_net_sales))', 'sum(scoped.compared_net_sales)') }}
),

wholes as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        {%- for level in levels %}
        dg{{ level }}_effect,
        {{ long_money_ratio('compared_db' ~ level, 'compared_net_sales') }} as compared_ratio_{{ level }},
        {%- endfor %}
        net_sales,
        compared_net_sales
    from sums
),

moved as (
    select
        wholes.scope_type,
        wholes.scope_id,
        wholes.month,
        wholes.time_window,
        {%- for level in levels %}
        cast(
            {{ long_money_ratio('scoped.compared_db' ~ level, 'scoped.compared_net_sales') }}
            - wholes.compared_ratio_{{ level }} as decimal(18, 12)
        ) as ratio_apart_{{ level }},
        {%- endfor %}
        cast(
            {{ long_money_ratio('scoped.net_sales', 'wholes.net_sales') }}
            - {{ long_money_ratio('scoped.compared_net_sales', 'wholes.compared_net_sales') }} as decimal(18, 12)
        ) as share_moved
    from wholes
    inner join scoped
        on
            wholes.scope_type = scoped.scope_type
            and wholes.scope_id = scoped.scope_id
            and wholes.month = scoped.month
            and wholes.time_window = scoped.time_window
            and scoped.net_sales > 0
            and scoped.compared_net_sales > 0
            {%- for level in levels %}
            and {{ is_comparable_part('scoped.compared_db' ~ level, 'scoped.compared_net_sales') }}
            {%- endfor %}
),

-- A bridge has its mix also where no customer is in both windows: 0, but for rounding. The bridge rounds kroner to a
-- millionth, and here shares and ratios are rounded to twelve decimals.
mixes as (
    select
        wholes.scope_type,
        wholes.scope_id,
        wholes.month,
        wholes.time_window,
        {%- for level in levels %}
        wholes.dg{{ level }}_effect,
        cast(
            coalesce(sum({{ exact_product('moved.share_moved', 'moved.ratio_apart_' ~ level, 12, 12) }}), 0)
            as decimal(18, 12)
        ) as mix_{{ level }},
        0.00000000002 + 0.000000000002 * coalesce(
            sum(1 + abs(moved.share_moved) + abs(moved.ratio_apart_{{ level }})), 0
        ) as rounded_{{ level }},
        {%- endfor %}
        cast(least(wholes.net_sales, wholes.compared_net_sales) as decimal(18, 4)) as lesser_sales,
        0.000001 * (10 + count(moved.share_moved)) as kroner_rounded
    from wholes
    left join moved
        on
            wholes.scope_type = moved.scope_type
            and wholes.scope_id = moved.scope_id
            and wholes.month = moved.month
            and wholes.time_window = moved.time_window
    group by
        wholes.scope_type,
        wholes.scope_id,
        wholes.month,
        wholes.time_window,
        {%- for level in levels %}
        wholes.dg{{ level }}_effect,
        {%- endfor %}
        wholes.net_sales,
        wholes.compared_net_sales
)

{% for level in levels %}
{%- set apart = 'abs(dg' ~ level ~ '_effect - mix_' ~ level ~ ') - rounded_' ~ level %}
select
    scope_type,
    scope_id,
    month,
    time_window,
    'dg{{ level }}' as kpi_id,
    dg{{ level }}_effect as mix_in_the_bridge,
    mix_{{ level }} as mix
from mixes
where {{ exact_product(apart, 'lesser_sales', 12, 4) }} > kroner_rounded
{{ 'union all' if not loop.last }}
{%- endfor %}
{%- endmacro %}
