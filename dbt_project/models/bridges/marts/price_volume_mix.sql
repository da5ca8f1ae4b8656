-- Why net sales and DB I changed between two windows: price, volume, mix, unit cost, new and lost, by convention A
-- (price at the quantity of now). The effects are computed in scope_effects; this is how they are shown.
{{ config(materialized='view') }}

{%- set components = [
    ('opening', 'opening', 'opening_db1'), ('price', 'price', 'price'),
    ('exchange_rate', 'exchange_rate', 'exchange_rate'), ('volume', 'volume', 'volume_db1'), ('mix', 'mix', 'mix_db1'),
    ('new_customer', 'new_customer', 'new_customer_db1'), ('new_product', 'new_product', 'new_product_db1'),
    ('lost_customer', 'lost_customer', 'lost_customer_db1'), ('lost_product', 'lost_product', 'lost_product_db1'),
    ('not_comparable', 'not_comparable', 'not_comparable_db1'), ('off_invoice', 'off_invoice', 'off_invoice'),
    ('unit_cost', '0', 'unit_cost'), ('other_goods_cost', '0', 'other_goods_cost'),
    ('closing', 'closing', 'closing_db1'),
] %}

with components as (
    {%- for component, revenue_effect, db1_effect in components %}
    select
        {{ loop.index }} as position,
        '{{ component }}' as component
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    effects.scope_type,
    effects.scope_id,
    effects.month,
    effects.time_window,
    components.component,
    cast(components.position as bigint) as position,
    cast(
        case components.component
            {%- for component, revenue_effect, db1_effect in components %}
            when '{{ component }}' then {{ 'effects.' if revenue_effect != '0' }}{{ revenue_effect }}
            {%- endfor %}
        end as decimal(18, 6)
    ) as revenue_effect,
    cast(
        case components.component
            {%- for component, revenue_effect, db1_effect in components %}
            when '{{ component }}' then effects.{{ db1_effect }}
            {%- endfor %}
        end as decimal(18, 6)
    ) as db1_effect,
    effects.rule_version,
    effects.is_rule_change
from {{ ref('scope_effects') }} as effects
cross join components
where effects.scope_type <> 'own_portfolio'
