-- Why a salesperson's DB III changed between two windows: own development, customers moved in and out, new and lost,
-- and what the company's pools cost per unit. Who owned a customer counts on the posting date, and a hand-over is worth
-- the customer's earlier DB III. All but the rates of pools is at the rates of the earlier window.
{%- set product_effects = [
    ('price', 'price'), ('exchange_rate', 'exchange_rate'), ('volume', 'volume_db1'), ('mix', 'mix_db1'),
    ('new_product', 'new_product_db1 + effects.new_customer_db1'),
    ('lost_product', 'lost_product_db1 + effects.lost_customer_db1'),
    ('not_comparable', 'not_comparable_db1'), ('unit_cost', 'unit_cost'),
] %}
{%- set drivers = ladder_costs() | reject('in', ['returns', 'cogs']) | list %}
{%- set components = ['opening'] + product_effects | map('first') | list + ['other_goods_cost'] + drivers + [
    'transferred_in', 'transferred_out', 'development_received', 'new_customers', 'lost_customers', 'pool_rates',
    'closing',
] %}
{%- set rates = rate_measures() %}

with components as (
    {%- for component in components %}
    select
        {{ loop.index }} as position,
        '{{ component }}' as component
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

signs as (
    {{ ladder_signs() }}
),

-- Whoever owns a moved customer now is in it, with and without a posting of the customer.
customers as (
    select
        salesperson_id,
        customer_id,
        month,
        time_window,
        db3,
        compared_db3,
        {%- for driver in drivers %}
        {{ driver }},
        compared_{{ driver }},
        {%- endfor %}
        {{ each('{}', rates) }},
        cast(0 as decimal(18, 4)) as opening_db3_now_owned
    from {{ ref('int_portfolio_windows') }}
    union all
    select
        salesperson_id,
        customer_id,
        month,
        time_window,
        0 as db3,
        0 as compared_db3,
        {%- for driver in drivers %}
        0 as {{ driver }},
        0 as compared_{{ driver }},
        {%- endfor %}
        {{ each('0 as {}', rates) }},
        opening_db3_now_owned
    from {{ ref('int_portfolio_transfers') }}
),

changed as (
    select
        customers.salesperson_id,
        customers.customer_id,
        customers.month,
        customers.time_window,
        max(changes.change) as change,
        max(case when changes.has_same_owners then 1 else 0 end) = 1 as has_same_owners,
        sum(customers.db3) as db3,
        {{ each('sum(customers.{}) as {}', rates) }},
        sum(customers.compared_db3) as compared_db3,
        {%- for driver in drivers %}
        sum(
            customers.compared_{{ driver }} - customers.{{ driver }}
            {{- ' + customers.' ~ driver ~ '_rate_change' if driver ~ '_rate_change' in rates }}
        ) as {{ driver }},
        {%- endfor %}
        sum(customers.opening_db3_now_owned) as opening_db3_now_owned
    from customers
    inner join {{ ref('int_customer_changes') }} as changes
        on
            customers.customer_id = changes.customer_id
            and customers.month = changes.month
            and customers.time_window = changes.time_window
    group by customers.salesperson_id, customers.customer_id, customers.month, customers.time_window
),

kinds as (
    select
        changed.salesperson_id,
        changed.month,
        changed.time_window,
        changed.db3 - {{ rate_effect('db3', 'changed', 'signs') }} as db3,
        changed.compared_db3,
        {%- for driver in drivers %}
        changed.{{ driver }},
        {%- endfor %}
        case
            when changed.change <> 'retained' then changed.change
            when changed.has_same_owners then 'own'
            else 'moved'
        end as kind,
        changed.opening_db3_now_owned,
        changed.opening_db3_now_owned - changed.compared_db3 as transfer,
        -- Whoever receives a customer that loses money gets less: the direction is not the sign of the amount.
        (changed.opening_db3_now_owned - changed.compared_db3)
        * case
            when
                sum(changed.compared_db3) over (
                    partition by changed.customer_id, changed.month, changed.time_window
                ) < 0
                then -1
            else 1
        end > 0 as is_received,
        {{ rate_effect('db3', 'changed', 'signs') }} as pool_rates,
        changed.db3 as closing
    from changed
    cross join signs
),

summed as (
    select
        kinds.salesperson_id,
        kinds.month,
        kinds.time_window,
        sum(kinds.compared_db3) as opening,
        {%- for driver in drivers %}
        sum(case when kinds.kind = 'own' then kinds.{{ driver }} else 0 end) as {{ driver }},
        {%- endfor %}
        sum(case when kinds.kind = 'own' then kinds.db3 - kinds.compared_db3 else 0 end) as own_change,
        sum(case when kinds.kind = 'moved' and kinds.is_received then kinds.transfer else 0 end) as transferred_in,
        sum(case when kinds.kind = 'moved' and not kinds.is_received then kinds.transfer else 0 end) as transferred_out,
        sum(
            case when kinds.kind = 'moved' then kinds.db3 - kinds.opening_db3_now_owned else 0 end
        ) as development_received,
        sum(case when kinds.kind = 'new' then kinds.db3 - kinds.compared_db3 else 0 end) as new_customers,
        sum(case when kinds.kind = 'lost' then kinds.db3 - kinds.compared_db3 else 0 end) as lost_customers,
        sum(kinds.pool_rates) as pool_rates,
        sum(kinds.closing) as closing
    from kinds
    inner join {{ ref('time_windows') }} as windows
        on
            kinds.month = windows.month
            and kinds.time_window = windows.time_window
            and windows.is_bridged
    group by kinds.salesperson_id, kinds.month, kinds.time_window
),

explained as (
    select
        summed.salesperson_id,
        summed.month,
        summed.time_window,
        -- All of one type: engines differ in the digits that a mixture keeps.
        {%- for column in ['opening'] + drivers + [
            'transferred_in', 'transferred_out', 'development_received', 'new_customers', 'lost_customers', 'pool_rates',
            'closing',
        ] %}
        cast(summed.{{ column }} as decimal(18, 6)) as {{ column }},
        {%- endfor %}
        {%- for component, effect in product_effects %}
        cast(coalesce(effects.{{ effect }}, 0) as decimal(18, 6)) as {{ component }},
        {%- endfor %}
        -- The rest, wherever the company's ladder has its lines: write-downs and manual adjustments.
        cast(
            summed.own_change
            {%- for driver in drivers %}
            - summed.{{ driver }}
            {%- endfor %}
            {%- for component, effect in product_effects %}
            - coalesce(effects.{{ effect }}, 0)
            {%- endfor %} as decimal(18, 6)
        ) as other_goods_cost
    from summed
    left join {{ ref('int_own_effects') }} as effects
        on
            summed.salesperson_id = effects.scope_id
            and summed.month = effects.month
            and summed.time_window = effects.time_window
)

select
    explained.salesperson_id,
    explained.month,
    explained.time_window,
    components.component,
    cast(components.position as bigint) as position,
    case
        when components.component in ('opening', 'closing', 'pool_rates') then components.component
        when components.component in ('transferred_in', 'transferred_out') then 'transfer'
        when components.component = 'development_received' then 'received'
        when components.component in ('new_customers', 'lost_customers') then 'new_and_lost'
        else 'own_development'
    end as component_group,
    cast(
        case components.component
            {%- for component in components %}
            when '{{ component }}' then explained.{{ component }}
            {%- endfor %}
        end as decimal(18, 6)
    ) as amount
from explained
cross join components
