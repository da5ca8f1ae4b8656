-- Why the contribution ratios of a scope changed between two windows, in shares of net sales: customers' own ratios,
-- the mix between customers, new and lost customers, customers moved in and out, and what the company's pools cost per
-- unit. All but the rates of pools is at the rates of the earlier window. Changes in kroner belong in portfolio_bridge.
{%- set levels = ['1', '2', '3'] %}
{%- set changing_kinds = [
    'new_customers', 'lost_customers', 'transferred_in', 'transferred_out', 'not_comparable',
] %}
{%- set components = [
    'opening', 'rate', 'mix', 'new_customers', 'lost_customers', 'transferred_in', 'transferred_out', 'not_comparable',
    'pool_rates', 'closing',
] %}

with components as (
    {%- for component in components %}
    select
        {{ loop.index }} as position,
        '{{ component }}' as component
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

scopes as (
    {{ scope_customers(['company', 'segment', 'segment_opening']) }}
),

signs as (
    {{ ladder_signs() }}
),

-- Amounts in units of 1/10000, as whole numbers: they are divided many times below.
scoped as (
    select
        scopes.scope_type,
        scopes.scope_id,
        customers.customer_id,
        customers.month,
        customers.time_window,
        {%- for level in levels %}
        {{ units('customers.db' ~ level) }} as db{{ level }},
        {{ units('customers.compared_db' ~ level) }} as compared_db{{ level }},
        {{ units(rate_effect('db' ~ level, 'customers', 'signs')) }} as pool_rates_{{ level }},
        {%- endfor %}
        {{ units('customers.net_sales') }} as net_sales,
        {{ units('customers.compared_net_sales') }} as compared_net_sales
    from {{ ref('int_customer_windows') }} as customers
    cross join signs
    inner join scopes
        on
            customers.customer_id = scopes.customer_id
            and customers.month = scopes.month
            and customers.time_window = scopes.time_window
    union all
    select
        'salesperson' as scope_type,
        portfolios.salesperson_id as scope_id,
        portfolios.customer_id,
        portfolios.month,
        portfolios.time_window,
        {%- for level in levels %}
        {{ units('portfolios.db' ~ level) }} as db{{ level }},
        {{ units('portfolios.compared_db' ~ level) }} as compared_db{{ level }},
        {{ units(rate_effect('db' ~ level, 'portfolios', 'signs')) }} as pool_rates_{{ level }},
        {%- endfor %}
        {{ units('portfolios.net_sales') }} as net_sales,
        {{ units('portfolios.compared_net_sales') }} as compared_net_sales
    from {{ ref('int_portfolio_windows') }} as portfolios
    cross join signs
    inner join {{ ref('time_windows') }} as windows
        on
            portfolios.month = windows.month
            and portfolios.time_window = windows.time_window
            and windows.is_bridged
),

-- A customer is in a window when it has net sales or a DB I there. Of net sales of next to nothing there is no ratio to
-- compare: a contribution of ten thousand times the sales is none.
kinds as (
    select
        scoped.scope_type,
        scoped.scope_id,
        scoped.month,
        scoped.time_window,
        case
            when
                scoped.net_sales > 0
                and scoped.compared_net_sales > 0
                {%- for level in levels %}
                and {{ is_comparable_part('scoped.compared_db' ~ level, 'scoped.compared_net_sales') }}
                {%- endfor %}
                then 'comparable'
            when scoped.compared_net_sales = 0 and scoped.compared_db1 = 0 and changes.change = 'new'
                then 'new_customers'
            when scoped.net_sales = 0 and scoped.db1 = 0 and changes.change = 'lost' then 'lost_customers'
            when scoped.compared_net_sales = 0 and scoped.compared_db1 = 0 and not changes.has_same_owners
                then 'transferred_in'
            when scoped.net_sales = 0 and scoped.db1 = 0 and not changes.has_same_owners then 'transferred_out'
            else 'not_comparable'
        end as kind,
        {%- for level in levels %}
        scoped.db{{ level }} - scoped.pool_rates_{{ level }} as db{{ level }},
        scoped.compared_db{{ level }},
        scoped.pool_rates_{{ level }},
        {%- endfor %}
        scoped.net_sales,
        scoped.compared_net_sales
    from scoped
    inner join {{ ref('int_customer_changes') }} as changes
        on
            scoped.customer_id = changes.customer_id
            and scoped.month = changes.month
            and scoped.time_window = changes.time_window
),

kind_sums as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        kind,
        {%- for level in levels %}
        cast(sum(db{{ level }}) as bigint) as db{{ level }},
        cast(sum(compared_db{{ level }}) as bigint) as compared_db{{ level }},
        cast(sum(pool_rates_{{ level }}) as bigint) as pool_rates_{{ level }},
        -- Against what the net sales of now would have left at the ratio of then, in millionths.
        sum(
            case
                when kind = 'comparable'
                    then
                        100 * db{{ level }}
                        - {{ scaled_units('compared_db' ~ level, 'net_sales', 'compared_net_sales') }}
                else 0
            end
        ) as rate_{{ level }},
        {%- endfor %}
        cast(sum(net_sales) as bigint) as net_sales,
        cast(sum(compared_net_sales) as bigint) as compared_net_sales
    from kinds
    group by scope_type, scope_id, month, time_window, kind
),

summed as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        {%- for kind in changing_kinds %}
        cast(sum(case when kind = '{{ kind }}' then net_sales else 0 end) as bigint) as {{ kind }}_sales,
        cast(sum(case when kind = '{{ kind }}' then compared_net_sales else 0 end) as bigint) as {{ kind }}_sales_then,
        {%- for level in levels %}
        sum(case when kind = '{{ kind }}' then db{{ level }} else 0 end) as {{ kind }}_db{{ level }},
        sum(case when kind = '{{ kind }}' then compared_db{{ level }} else 0 end) as {{ kind }}_db{{ level }}_then,
        {%- endfor %}
        {%- endfor %}
        {%- for level in levels %}
        cast(sum(db{{ level }} + pool_rates_{{ level }}) as bigint) as db{{ level }},
        cast(sum(compared_db{{ level }}) as bigint) as compared_db{{ level }},
        cast(sum(pool_rates_{{ level }}) as bigint) as pool_rates_{{ level }},
        sum(rate_{{ level }}) as rate_{{ level }},
        {%- endfor %}
        cast(sum(net_sales) as bigint) as net_sales,
        cast(sum(compared_net_sales) as bigint) as compared_net_sales
    from kind_sums
    group by scope_type, scope_id, month, time_window
),

-- Against what the same net sales leave at the whole scope's ratio of then, in millionths.
excess as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        {%- for level in levels %}
        db{{ level }},
        compared_db{{ level }},
        pool_rates_{{ level }},
        rate_{{ level }},
        {%- for kind in changing_kinds %}
        100 * {{ kind }}_db{{ level }}
        - {{ scaled_units('compared_db' ~ level, kind ~ '_sales', 'compared_net_sales') }}
            as {{ kind }}_now_{{ level }},
        100 * {{ kind }}_db{{ level }}_then
        - {{ scaled_units(
            'compared_db' ~ level, kind ~ '_sales_then', 'compared_net_sales'
        ) }} as {{ kind }}_then_{{ level }},
        {%- endfor %}
        {%- endfor %}
        net_sales,
        compared_net_sales,
        cast(net_sales as decimal(38, 0)) * 100 as millionths,
        cast(compared_net_sales as decimal(38, 0)) * 100 as compared_millionths
    from summed
    where
        net_sales > 0
        and compared_net_sales > 0
        {%- for level in levels %}
        and {{ is_comparable_part('db' ~ level, 'net_sales') }}
        and {{ is_comparable_part('compared_db' ~ level, 'compared_net_sales') }}
        {%- endfor %}
),

effects as (
    select
        scope_type,
        scope_id,
        month,
        {%- for level in levels %}
        {{ long_ratio_of_units('compared_db' ~ level, 'compared_net_sales') }} as opening_{{ level }},
        {{ long_ratio_of_units('rate_' ~ level, 'millionths') }} as rate_{{ level }},
        {{ long_ratio_of_units('pool_rates_' ~ level, 'net_sales') }} as pool_rates_{{ level }},
        {%- for kind in changing_kinds %}
        {{ long_ratio_of_units(kind ~ '_now_' ~ level, 'millionths') }}
        - {{ long_ratio_of_units(kind ~ '_then_' ~ level, 'compared_millionths') }} as {{ kind }}_{{ level }},
        {%- endfor %}
        {{ long_ratio_of_units('db' ~ level, 'net_sales') }} as closing_{{ level }},
        {%- endfor %}
        time_window
    from excess
    -- Where large sales cancel out, such as those of a wrong customer, their effects are no shares of what is left.
    where
        net_sales > 0
        {%- for level in levels %}
        and abs(rate_{{ level }}) < 10000 * millionths
        and {{ is_comparable_part('pool_rates_' ~ level, 'net_sales') }}
        {%- for kind in changing_kinds %}
        and abs({{ kind }}_now_{{ level }}) < 10000 * millionths
        and abs({{ kind }}_then_{{ level }}) < 10000 * compared_millionths
        {%- endfor %}
        {%- endfor %}
),

shown as (
    select
        effects.scope_type,
        effects.scope_id,
        effects.month,
        effects.time_window,
        components.component,
        {%- for level in levels %}
        cast(
            case components.component
                -- What is left is the mix: sales moving between customers of other ratios.
                when 'mix'
                    then
                        effects.closing_{{ level }}
                        {%- for component in components if component not in ['closing', 'mix'] %}
                        - effects.{{ component }}_{{ level }}
                        {%- endfor %}
                {%- for component in components if component != 'mix' %}
                when '{{ component }}' then effects.{{ component }}_{{ level }}
                {%- endfor %}
            end as decimal(18, 12)
        ) as dg{{ level }}_effect,
        {%- endfor %}
        cast(components.position as bigint) as position
    from effects
    cross join components
)

select
    shown.scope_type,
    shown.scope_id,
    shown.month,
    shown.time_window,
    shown.component,
    shown.position,
    shown.dg1_effect,
    shown.dg2_effect,
    shown.dg3_effect,
    {{ rules_of_scope('shown', 'versions') }}
from shown
inner join {{ ref('int_segment_versions') }} as versions
    on shown.month = versions.month and shown.time_window = versions.time_window
