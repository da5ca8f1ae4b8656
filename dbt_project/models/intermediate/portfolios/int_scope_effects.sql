-- Price, volume, mix and their like for each scope and window, side by side: on net sales and on DB I. Volume is
-- measured within one unit of measure of the scope, mix is what the other effects of comparable leaves leave. How they
-- are shown belongs in price_volume_mix and portfolio_bridge.
{%- set parts = {
    'quantity_then': 6, 'quantity_now': 6, 'sales_then': 4, 'sales_now': 4, 'cogs_then': 4, 'cogs_now': 4,
    'sales_now_at_rate_then': 4, 'sales_at_price_then': 6, 'cogs_at_cost_then': 6,
} %}
{%- set other_parts = ['sales_then', 'sales_now', 'cogs_then', 'cogs_now'] %}

-- What a customer's leaves of a kind sum to. Units of measure and quantities matter only where quantities compare.
with kinds as (
    select
        customer_id,
        month,
        time_window,
        {%- for column, scale in parts.items() %}
        cast(coalesce(sum({{ column }}), 0) as decimal(18, {{ scale }})) as {{ column }},
        {%- endfor %}
        unit_of_measure,
        kind
    from {{ ref('int_leaf_windows') }}
    where kind = 'comparable'
    group by customer_id, month, time_window, unit_of_measure, kind
    union all
    select
        customer_id,
        month,
        time_window,
        {%- for column, scale in parts.items() %}
        {%- if column in other_parts %}
        cast(sum({{ column }}) as decimal(18, {{ scale }})) as {{ column }},
        {%- else %}
        cast(0 as decimal(18, {{ scale }})) as {{ column }},
        {%- endif %}
        {%- endfor %}
        '' as unit_of_measure,
        kind
    from {{ ref('int_leaf_windows') }}
    where kind <> 'comparable'
    group by customer_id, month, time_window, kind
),

scope_parts as (
    select
        scopes.scope_type,
        scopes.scope_id,
        kinds.month,
        kinds.time_window,
        {%- for column in parts %}
        kinds.{{ column }},
        {%- endfor %}
        kinds.unit_of_measure,
        kinds.kind
    from kinds
    inner join {{ ref('int_scope_customers') }} as scopes
        on
            kinds.customer_id = scopes.customer_id
            and kinds.month = scopes.month
            and kinds.time_window = scopes.time_window
    where scopes.share = 1
    union all
    -- Every leaf is split by itself, because each part of it is rounded.
    select
        scopes.scope_type,
        scopes.scope_id,
        leaves.month,
        leaves.time_window,
        {%- for column, scale in parts.items() %}
        {%- if column in other_parts %}
        {{ owner_part('leaves.' ~ column, 'scopes', scale) }} as {{ column }},
        {%- else %}
        case
            when leaves.kind = 'comparable' then {{ owner_part('leaves.' ~ column, 'scopes', scale) }} else 0
        end as {{ column }},
        {%- endif %}
        {%- endfor %}
        case when leaves.kind = 'comparable' then leaves.unit_of_measure else '' end as unit_of_measure,
        leaves.kind
    from {{ ref('int_leaf_windows') }} as leaves
    inner join {{ ref('int_scope_customers') }} as scopes
        on
            leaves.customer_id = scopes.customer_id
            and leaves.month = scopes.month
            and leaves.time_window = scopes.time_window
    where scopes.share <> 1
),

units as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        unit_of_measure,
        {%- for column, scale in parts.items() %}
        cast(coalesce(sum({{ column }}), 0) as decimal(18, {{ scale }})) as {{ column }},
        {%- endfor %}
        kind
    from scope_parts
    group by scope_type, scope_id, month, time_window, unit_of_measure, kind
),

measured as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        kind,
        sales_then,
        sales_now,
        sales_then - cogs_then as margin_then,
        sales_now - cogs_now as margin_now,
        sales_now - sales_now_at_rate_then as exchange_rate,
        sales_now_at_rate_then - sales_at_price_then as price,
        cogs_at_cost_then - cogs_now as unit_cost,
        sales_at_price_then - sales_then as quantity_effect,
        sales_at_price_then - cogs_at_cost_then - sales_then + cogs_then as quantity_effect_db1,
        -- An owner of a millionth of the customer has no quantity to measure volume against: all of it is mix.
        -- Only where quantities compare: elsewhere the quotient may be too large to be written.
        case
            when kind = 'comparable'
                then coalesce({{ scaled_by('sales_then', '(quantity_now - quantity_then)', 'quantity_then') }}, 0)
        end as volume,
        case
            when kind = 'comparable'
                then coalesce(
                    {{ scaled_by('(sales_then - cogs_then)', '(quantity_now - quantity_then)', 'quantity_then') }}, 0
                )
        end as volume_db1
    from units
),

effects as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        sum(sales_now - sales_then) as leaf_change,
        sum(margin_now - margin_then) as leaf_change_db1,
        {%- for effect in ['exchange_rate', 'price', 'unit_cost', 'volume', 'volume_db1'] %}
        sum(case when kind = 'comparable' then {{ effect }} else 0 end) as {{ effect }},
        {%- endfor %}
        {%- for kind in ['new_customer', 'new_product', 'lost_customer', 'lost_product', 'not_comparable'] %}
        sum(case when kind = '{{ kind }}' then sales_now - sales_then else 0 end) as {{ kind }},
        sum(case when kind = '{{ kind }}' then margin_now - margin_then else 0 end) as {{ kind }}_db1,
        {%- endfor %}
        sum(case when kind = 'comparable' then quantity_effect - volume else 0 end) as mix,
        sum(case when kind = 'comparable' then quantity_effect_db1 - volume_db1 else 0 end) as mix_db1
    from measured
    group by scope_type, scope_id, month, time_window
),

totals as (
    select
        scopes.scope_type,
        scopes.scope_id,
        scopes.month,
        scopes.time_window,
        sum({{ owner_part('customers.compared_net_sales', 'scopes') }}) as opening,
        sum({{ owner_part('customers.net_sales', 'scopes') }}) as closing,
        sum({{ owner_part('customers.compared_db1', 'scopes') }}) as opening_db1,
        sum({{ owner_part('customers.db1', 'scopes') }}) as closing_db1
    from {{ ref('int_customer_windows') }} as customers
    inner join {{ ref('int_scope_customers') }} as scopes
        on
            customers.customer_id = scopes.customer_id
            and customers.month = scopes.month
            and customers.time_window = scopes.time_window
    group by scopes.scope_type, scopes.scope_id, scopes.month, scopes.time_window
)

select
    totals.scope_type,
    totals.scope_id,
    totals.month,
    totals.time_window,
    cast(totals.opening as decimal(18, 6)) as opening,
    cast(totals.opening_db1 as decimal(18, 6)) as opening_db1,
    {%- for effect in [
        'price', 'exchange_rate', 'volume', 'volume_db1', 'mix', 'mix_db1', 'new_customer', 'new_customer_db1',
        'new_product', 'new_product_db1', 'lost_customer', 'lost_customer_db1', 'lost_product', 'lost_product_db1',
        'not_comparable', 'not_comparable_db1', 'unit_cost',
    ] %}
    cast(coalesce(effects.{{ effect }}, 0) as decimal(18, 6)) as {{ effect }},
    {%- endfor %}
    -- What no product line carries: on sales, bonus, cash discounts and adjustments; on cost, write-downs and
    -- adjustments.
    cast(
        totals.closing - totals.opening - coalesce(effects.leaf_change, 0) as decimal(18, 6)
    ) as off_invoice,
    cast(
        totals.closing_db1 - totals.opening_db1 - coalesce(effects.leaf_change_db1, 0)
        - (totals.closing - totals.opening - coalesce(effects.leaf_change, 0)) as decimal(18, 6)
    ) as other_goods_cost,
    cast(totals.closing as decimal(18, 6)) as closing,
    cast(totals.closing_db1 as decimal(18, 6)) as closing_db1
from totals
left join effects
    on
        totals.scope_type = effects.scope_type
        and totals.scope_id = effects.scope_id
        and totals.month = effects.month
        and totals.time_window = effects.time_window
