-- Why the contribution ratios of a scope changed between two windows, in shares of net sales: customers' own ratios,
-- the mix between customers, new and lost customers, customers moved in and out. Changes in kroner belong in
-- portfolio_bridge.
{%- set levels = ['1', '2', '3'] %}
{%- set changing_kinds = [
    'new_customers', 'lost_customers', 'transferred_in', 'transferred_out', 'not_comparable',
] %}
{%- set components = [
    'opening', 'rate', 'mix', 'new_customers', 'lost_customers', 'transferred_in', 'transferred_out', 'not_comparable',
    'closing',
] %}

with components as (
    {%- for component in components %}
    select
        {{ loop.index }} as position,
        '{{ component }}' as component
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

scoped as (
    select
        scopes.scope_type,
        scopes.scope_id,
        customers.customer_id,
        customers.month,
        customers.time_window,
        {%- for level in levels %}
        customers.db{{ level }},
        customers.compared_db{{ level }},
        {%- endfor %}
        customers.net_sales,
        customers.compared_net_sales
    from {{ ref('int_customer_windows') }} as customers
    inner join {{ ref('int_scope_customers') }} as scopes
        on
            customers.customer_id = scopes.customer_id
            and customers.month = scopes.month
            and customers.time_window = scopes.time_window
            and scopes.scope_type in ('company', 'segment')
    union all
    select
        'salesperson' as scope_type,
        portfolios.salesperson_id as scope_id,
        portfolios.customer_id,
        portfolios.month,
        portfolios.time_window,
        {%- for level in levels %}
        portfolios.db{{ level }},
        portfolios.compared_db{{ level }},
        {%- endfor %}
        portfolios.net_sales,
        portfolios.compared_net_sales
    from {{ ref('int_portfolio_windows') }} as portfolios
    inner join {{ ref('time_windows') }} as windows
        on
            portfolios.month = windows.month
            and portfolios.time_window = windows.time_window
            and windows.compared_first_month is not null
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
                and abs(scoped.compared_db{{ level }}) < 10000 * scoped.compared_net_sales
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
        scoped.db{{ level }},
        scoped.compared_db{{ level }},
        -- What the net sales of now would have left at the ratio of then.
        case
            when
                scoped.net_sales > 0
                and scoped.compared_net_sales > 0
                and abs(scoped.compared_db{{ level }}) < 10000 * scoped.compared_net_sales
                then {{ scaled_by('scoped.compared_db' ~ level, 'scoped.net_sales', 'scoped.compared_net_sales') }}
            else 0
        end as db{{ level }}_at_ratio_then,
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

summed as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        {%- for kind in changing_kinds %}
        cast(sum(case when kind = '{{ kind }}' then net_sales else 0 end) as decimal(18, 4)) as {{ kind }}_sales,
        cast(
            sum(case when kind = '{{ kind }}' then compared_net_sales else 0 end) as decimal(18, 4)
        ) as {{ kind }}_sales_then,
        {%- for level in levels %}
        sum(case when kind = '{{ kind }}' then db{{ level }} else 0 end) as {{ kind }}_db{{ level }},
        sum(case when kind = '{{ kind }}' then compared_db{{ level }} else 0 end) as {{ kind }}_db{{ level }}_then,
        {%- endfor %}
        {%- endfor %}
        {%- for level in levels %}
        cast(sum(db{{ level }}) as decimal(18, 4)) as db{{ level }},
        cast(sum(compared_db{{ level }}) as decimal(18, 4)) as compared_db{{ level }},
        sum(
            case when kind = 'comparable' then db{{ level }} - db{{ level }}_at_ratio_then else 0 end
        ) as rate_db{{ level }},
        {%- endfor %}
        cast(sum(net_sales) as decimal(18, 4)) as net_sales,
        cast(sum(compared_net_sales) as decimal(18, 4)) as compared_net_sales
    from kinds
    group by scope_type, scope_id, month, time_window
),

-- Against what the same net sales leave at the whole scope's ratio of then.
excess as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        {%- for level in levels %}
        db{{ level }},
        compared_db{{ level }},
        cast(rate_db{{ level }} as decimal(18, 6)) as rate_{{ level }},
        {%- for kind in changing_kinds %}
        cast(
            {{ kind }}_db{{ level }}
            - {{ scaled_by('compared_db' ~ level, kind ~ '_sales', 'compared_net_sales') }} as decimal(18, 6)
        ) as {{ kind }}_now_{{ level }},
        cast(
            {{ kind }}_db{{ level }}_then
            - {{ scaled_by('compared_db' ~ level, kind ~ '_sales_then', 'compared_net_sales') }} as decimal(18, 6)
        ) as {{ kind }}_then_{{ level }},
        {%- endfor %}
        {%- endfor %}
        net_sales,
        compared_net_sales
    from summed
    where
        net_sales > 0
        and compared_net_sales > 0
        {%- for level in levels %}
        and abs(db{{ level }}) < 10000 * net_sales
        and abs(compared_db{{ level }}) < 10000 * compared_net_sales
        {%- endfor %}
),

effects as (
    select
        scope_type,
        scope_id,
        month,
        {%- for level in levels %}
        {{ long_ratio('compared_db' ~ level, 'compared_net_sales') }} as opening_{{ level }},
        {{ long_ratio('rate_' ~ level, 'net_sales') }} as rate_{{ level }},
        {%- for kind in changing_kinds %}
        {{ long_ratio(kind ~ '_now_' ~ level, 'net_sales') }}
        - {{ long_ratio(kind ~ '_then_' ~ level, 'compared_net_sales') }} as {{ kind }}_{{ level }},
        {%- endfor %}
        {{ long_ratio('db' ~ level, 'net_sales') }} as closing_{{ level }},
        {%- endfor %}
        time_window
    from excess
    -- Where large sales cancel out, such as those of a wrong customer, their effects are no shares of what is left.
    where
        net_sales > 0
        {%- for level in levels %}
        and abs(rate_{{ level }}) < 10000 * net_sales
        {%- for kind in changing_kinds %}
        and abs({{ kind }}_now_{{ level }}) < 10000 * net_sales
        and abs({{ kind }}_then_{{ level }}) < 10000 * compared_net_sales
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
    scope_type,
    scope_id,
    month,
    time_window,
    component,
    position,
    dg1_effect,
    dg2_effect,
    dg3_effect
from shown
