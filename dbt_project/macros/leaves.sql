{# What leaves (customer, product or group of products, unit of measure, currency) did between a window and the one it is
   compared with. Effects of a scope as a whole (volume, mix) are worked out in scope_effects. #}

{# The ends of windows that bridges can be made for; company.yaml allows no more. One is enough to see what refers to what
   and how it is laid out, when nothing is run. #}
{% macro most_ends() -%}
    {{ return(36 if execute else 1) }}
{%- endmacro %}

{# The figures of a leaf, with their scale. #}
{% macro leaf_figures() -%}
    {{ return({
        'quantity_then': 6, 'quantity_now': 6, 'sales_then': 4, 'sales_now': 4, 'cogs_then': 4, 'cogs_now': 4,
        'sales_now_at_rate_then': 4, 'sales_at_price_then': 6, 'cogs_at_cost_then': 6,
    }) }}
{%- endmacro %}

{# What every leaf sums to in each bridged window and the one it is compared with: one row per leaf, month and window with
   anything in one of the two. One end of windows after the other, so that memory is bounded by the leaves of one end.

   customers: relation with the customers that are asked for; all if left out. #}
{% macro leaf_sums(customers=none) -%}
    {%- for end_number in range(most_ends()) %}
    select
        leaves.customer_id,
        leaves.leaf_id,
        leaves.unit_of_measure,
        leaves.currency,
        windows.month,
        windows.time_window,
        cast(sum(case when windows.is_now then 0 else leaves.quantity end) as decimal(18, 6)) as quantity_then,
        cast(sum(case when windows.is_now then leaves.quantity else 0 end) as decimal(18, 6)) as quantity_now,
        cast(sum(case when windows.is_now then 0 else leaves.sales end) as decimal(18, 4)) as sales_then,
        cast(sum(case when windows.is_now then leaves.sales else 0 end) as decimal(18, 4)) as sales_now,
        cast(sum(case when windows.is_now then 0 else leaves.cogs end) as decimal(18, 4)) as cogs_then,
        cast(sum(case when windows.is_now then leaves.cogs else 0 end) as decimal(18, 4)) as cogs_now,
        cast(
            sum(case when windows.is_now then leaves.sales_in_currency else 0 end) as decimal(18, 4)
        ) as sales_in_currency_now
    from {{ ref('int_bridge_leaves') }} as leaves
    inner join {{ ref('int_window_months') }} as windows
        on leaves.month = windows.leaf_month and windows.end_number = {{ end_number }}
    {%- if customers %}
    inner join {{ customers }} as asked
        on leaves.customer_id = asked.customer_id
    {%- endif %}
    group by
        leaves.customer_id, leaves.leaf_id, leaves.unit_of_measure, leaves.currency, windows.month, windows.time_window
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Those sums with what price, cost and quantity did; sums: relation made by leaf_sums().

   class is the kind of the leaf by itself: comparable, new, lost or not_comparable. Whether the customer or the product is
   new is known when all leaves of the customer are. #}
{% macro leaf_changes(sums) -%}
    select
        classed.*,
        -- What the quantity of now would have come to at the price, and at the unit cost, of then.
        cast(
            case when classed.class = 'comparable' then {{ scaled_by(
                'classed.sales_then', 'classed.quantity_now', 'classed.quantity_then'
            ) }} end as decimal(18, 6)
        ) as sales_at_price_then,
        cast(
            case when classed.class = 'comparable' then {{ scaled_by(
                'classed.cogs_then', 'classed.quantity_now', 'classed.quantity_then'
            ) }} end as decimal(18, 6)
        ) as cogs_at_cost_then
    from (
        select
            sums.customer_id,
            sums.leaf_id,
            sums.unit_of_measure,
            sums.currency,
            sums.month,
            sums.time_window,
            case when sums.quantity_then <> 0 or sums.sales_then <> 0 or sums.cogs_then <> 0 then 1 else 0 end
                as was_there,
            case when sums.quantity_now <> 0 or sums.sales_now <> 0 or sums.cogs_now <> 0 then 1 else 0 end as is_there,
            case
                when
                    sums.quantity_then > 0
                    and sums.quantity_now > 0
                    -- After returns, next to nothing may be left of a quantity: its price is no price.
                    and sums.quantity_now < cast(sums.quantity_then as decimal(19, 6)) * 1000000
                    then 'comparable'
                when
                    sums.quantity_then = 0
                    and sums.sales_then = 0
                    and sums.cogs_then = 0
                    and sums.quantity_now > 0
                    then 'new'
                when
                    sums.quantity_now = 0
                    and sums.sales_now = 0
                    and sums.cogs_now = 0
                    and sums.quantity_then > 0
                    then 'lost'
                else 'not_comparable'
            end as class,
            sums.quantity_then,
            sums.quantity_now,
            sums.sales_then,
            sums.sales_now,
            sums.cogs_then,
            sums.cogs_now,
            -- Without an earlier rate there is nothing to tell the exchange rate from the price by.
            case
                when rates.rate_then = 1 or rates.rate_then is null then sums.sales_now
                else {{ money(exact_product('sums.sales_in_currency_now', 'rates.rate_then', 4, 8)) }}
            end as sales_now_at_rate_then
        from {{ sums }} as sums
        left join {{ ref('int_window_rates') }} as rates
            on
                sums.currency = rates.currency
                and sums.month = rates.month
                and sums.time_window = rates.time_window
        where
            sums.quantity_then <> 0
            or sums.sales_then <> 0
            or sums.cogs_then <> 0
            or sums.quantity_now <> 0
            or sums.sales_now <> 0
            or sums.cogs_now <> 0
    ) as classed
{%- endmacro %}

{# The kind of a leaf, from its class and whether anything of its customer was, and is, there. #}
{% macro leaf_kind(class, customer_was_there, customer_is_there) -%}
    case
        when {{ class }} = 'new' and {{ customer_was_there }} = 0 then 'new_customer'
        when {{ class }} = 'new' then 'new_product'
        when {{ class }} = 'lost' and {{ customer_is_there }} = 0 then 'lost_customer'
        when {{ class }} = 'lost' then 'lost_product'
        else {{ class }}
    end
{%- endmacro %}

{# The customers of scopes in bridged windows, the same ones now and then.
   scope_types: list of company, customer, segment, segment_opening, salesperson and own_portfolio. #}
{% macro scope_customers(scope_types) -%}
{%- set ids = {
    'company': "'company'", 'customer': 'customers.customer_id', 'segment': 'segments.segment',
    'segment_opening': 'segments.opening_segment',
} %}
{%- set owned = scope_types | reject('in', ids) | list %}
{%- for scope_type in scope_types if scope_type in ids %}
    select
        '{{ scope_type }}' as scope_type,
        {{ ids[scope_type] }} as scope_id,
        customers.customer_id,
        customers.month,
        customers.time_window,
        cast(1 as decimal(18, 8)) as share,
        cast(1 as decimal(18, 8)) as share_through
    from {{ ref('int_customer_windows') }} as customers
    inner join {{ ref('time_windows') }} as windows
        on
            customers.month = windows.month
            and customers.time_window = windows.time_window
            and windows.is_bridged
    {%- if scope_type in segment_scope_types() %}
    inner join {{ ref('customer_segments') }} as segments
        on customers.customer_id = segments.customer_id and customers.month = segments.month
    {%- endif %}
    {{ 'union all' if owned or not loop.last }}
{%- endfor %}
{%- if owned %}
    select
        scope_type,
        scope_id,
        customer_id,
        month,
        time_window,
        share,
        share_through
    from {{ ref('int_owner_scopes') }}
    where scope_type in ({{ quoted(owned) }})
{%- endif %}
{%- endmacro %}

{# Price, volume, mix and their like for each scope of the types and each window, side by side: on net sales and on DB I.
   Volume is measured within one unit of measure of the scope, mix is what the other effects of comparable leaves leave.
   scope_types: list, as scope_customers takes it. #}
{% macro effects_of_scopes(scope_types) -%}
{%- set parts = leaf_figures() %}
{%- set other_parts = ['sales_then', 'sales_now', 'cogs_then', 'cogs_now'] %}

with scopes as (
    {{ scope_customers(scope_types) }}
),

scope_parts as (
    select
        scopes.scope_type,
        scopes.scope_id,
        effects.month,
        effects.time_window,
        {%- for column in parts %}
        {%- if column in other_parts %}
        effects.{{ column }},
        {%- else %}
        case when effects.kind = 'comparable' then effects.{{ column }} else 0 end as {{ column }},
        {%- endif %}
        {%- endfor %}
        effects.unit_of_measure,
        effects.kind
    from {{ ref('int_customer_effects') }} as effects
    inner join scopes
        on
            effects.customer_id = scopes.customer_id
            and effects.month = scopes.month
            and effects.time_window = scopes.time_window
    where scopes.share = 1
    union all
    select
        scope_type,
        scope_id,
        month,
        time_window,
        {%- for column in parts %}
        {{ column }},
        {%- endfor %}
        unit_of_measure,
        kind
    from {{ ref('int_shared_effects') }}
    where scope_type in ({{ quoted(scope_types) }})
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
    inner join scopes
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
{%- endmacro %}
