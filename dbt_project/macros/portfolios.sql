{# Splitting a customer's figures between the salespeople who own the customer. Who owns whom, and when, stands in
   int_owner_spans. #}

{# An owner's part of an amount, decimal(18, scale). What is given to the owners so far is rounded, and each gets the
   difference, so that the parts sum to the amount exactly. owner: alias of a relation with share and share_through, as
   int_owner_spans has them. #}
{% macro owner_part(amount, owner, scale=4) -%}
    cast(
        case
            when {{ owner }}.share = 1 or {{ amount }} = 0 then {{ amount }}
            else
                round({{ exact_product(amount, owner ~ '.share_through', scale, 8) }}, {{ scale }})
                - round(
                    {{ exact_product(amount, '(' ~ owner ~ '.share_through - ' ~ owner ~ '.share)', scale, 8) }},
                    {{ scale }}
                )
        end as decimal(18, {{ scale }})
    )
{%- endmacro %}

{# The measures of an account that a relation's rows have, each on its day; all others are 0 there.
   relation: has customer_id and month; day: SQL of the day; given: {measure: SQL}. #}
{% macro dated_measures(relation, day, given) -%}
    select
        customer_id,
        month,
        {{ day }} as day,
        {%- for measure in ladder_amounts() + count_measures() %}
        {{ given.get(measure, '0') }} as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }}
{%- endmacro %}

{# The rest of a query whose relation `parts` holds what customers have to show in spans of ownership: what of it each
   owner has, and the results that follow from it. A part of a result is the result of the parts.
   parts: has customer_id, month, span_from, days (of the month in the span), and the amounts and counts of an account. #}
{% macro parts_of_owners(parts) -%}
signs as (
    {{ ladder_signs() }}
),

owned as (
    select
        owners.salesperson_id,
        {{ parts }}.customer_id,
        {{ parts }}.month,
        {%- for measure in ladder_amounts() + count_measures() %}
        {{ owner_part(parts ~ '.' ~ measure, 'owners') }} as {{ measure }},
        {%- endfor %}
        owners.share * {{ parts }}.days as owned_days
    from {{ parts }}
    inner join {{ ref('int_owner_spans') }} as owners
        on {{ parts }}.customer_id = owners.customer_id and {{ parts }}.span_from = owners.span_from
),

amounts as (
    select
        salesperson_id,
        customer_id,
        month,
        {%- for measure in ladder_amounts() + count_measures() %}
        cast(sum({{ measure }}) as decimal(18, 4)) as {{ measure }},
        {%- endfor %}
        sum(owned_days) as owned_days
    from owned
    group by salesperson_id, customer_id, month
),

summed as (
    select
        amounts.*,
        {{ ladder_sums('amounts', 'signs') }}
    from amounts
    cross join signs
)

select
    salesperson_id,
    customer_id,
    month,
    cast(
        {{ div_half_up(
            'cast(owned_days * 100000000 as decimal(38, 0))',
            'cast(' ~ days_between(first_day_of('month'), last_day_of('month')) ~ ' + 1 as decimal(38, 0))'
        ) }} * cast(0.00000001 as decimal(9, 8)) as decimal(18, 8)
    ) as share,
    {%- for column in ladder_measures() %}
    {{ column }},
    {%- endfor %}
    {{ safe_ratio('db1', 'net_sales') }} as dg1,
    {{ safe_ratio('db2', 'net_sales') }} as dg2,
    {{ safe_ratio('db3', 'net_sales') }} as dg3,
    {%- for column in count_measures() %}
    {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
from summed
{%- endmacro %}

{# Each owner's part of the orders that are orders of an earlier month too, for window_sums.
   day: SQL of the day that decides whose they are, of int_customer_orders (orders) or the last day of the accounts
   (as_of.today); key: salesperson_id, and customer_id if the parts are by customer. #}
{% macro repeated_orders_of_owners(day, key) -%}
    select
        {%- for column in key %}
        {{ 'owners' if column == 'salesperson_id' else 'counted' }}.{{ column }},
        {%- endfor %}
        counted.month,
        counted.previous_month,
        sum({{ owner_part('counted.order_count', 'owners') }}) as order_count
    from (
        select
            orders.customer_id,
            orders.month,
            orders.previous_month,
            spans.span_from,
            cast(count(*) as decimal(18, 4)) as order_count
        from {{ ref('int_customer_orders') }} as orders
        cross join (
            select {{ last_day_of('max(month)') }} as today
            from {{ ref('time_windows') }}
        ) as as_of
        inner join (
            select distinct
                customer_id,
                span_from,
                span_before
            from {{ ref('int_owner_spans') }}
        ) as spans
            on
                orders.customer_id = spans.customer_id
                and {{ day }} >= spans.span_from
                and {{ day }} < spans.span_before
        where orders.previous_month is not null
        group by orders.customer_id, orders.month, orders.previous_month, spans.span_from
    ) as counted
    inner join {{ ref('int_owner_spans') }} as owners
        on counted.customer_id = owners.customer_id and counted.span_from = owners.span_from
    group by
        {%- for column in key %}
        {{ 'owners' if column == 'salesperson_id' else 'counted' }}.{{ column }},
        {%- endfor %}
        counted.month,
        counted.previous_month
{%- endmacro %}

{# Each owner's part of what other rates make of the lines that pools pay, for window_sums. A share of a pool belongs to
   the last day of its month, and so does what has changed of it.
   day: SQL of the day that decides whose it is, the last one of the month (of changes) or of the accounts
   (as_of.today); key: as in repeated_orders_of_owners. #}
{% macro rate_changes_of_owners(day, key) -%}
    select
        {%- for column in key %}
        {{ 'owners' if column == 'salesperson_id' else 'changes' }}.{{ column }},
        {%- endfor %}
        {%- for column, code, measure, back in rate_months() %}
        sum({{ owner_part('changes.' ~ column, 'owners') }}) as {{ column }},
        {%- endfor %}
        changes.month
    from (
        {{ customer_rate_changes() }}
    ) as changes
    cross join (
        select {{ last_day_of('max(month)') }} as today
        from {{ ref('time_windows') }}
    ) as as_of
    inner join {{ ref('int_owner_spans') }} as owners
        on
            changes.customer_id = owners.customer_id
            and {{ day }} >= owners.span_from
            and {{ day }} < owners.span_before
    group by
        {%- for column in key %}
        {{ 'owners' if column == 'salesperson_id' else 'changes' }}.{{ column }},
        {%- endfor %}
        changes.month
{%- endmacro %}

{# For rules of portfolio_ratio_bridge: one row per scope of the bridge, customer and window, with net sales and
   contributions of now and then. What must hold of them, the rule says. #}
{% macro ratio_bridge_customers() -%}
    {%- for scope_type, scope_id, relation in [
        ('company', "'company'", ref('int_customer_windows')),
        ('segment', 'segments.segment', ref('int_customer_windows')),
        ('segment_opening', 'segments.opening_segment', ref('int_customer_windows')),
        ('salesperson', 'windows.salesperson_id', ref('int_portfolio_windows')),
    ] %}
    select
        '{{ scope_type }}' as scope_type,
        {{ scope_id }} as scope_id,
        windows.month,
        windows.time_window,
        {%- for level in ['1', '2', '3'] %}
        windows.db{{ level }},
        windows.compared_db{{ level }},
        {%- endfor %}
        windows.net_sales,
        windows.compared_net_sales
    from {{ relation }} as windows
    {%- if scope_type in segment_scope_types() %}
    inner join {{ ref('customer_segments') }} as segments
        on windows.customer_id = segments.customer_id and windows.month = segments.month
    {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
