-- What the leaves of customers with several owners come to for each owner, by unit of measure and kind, as in
-- int_customer_effects. Every leaf is split by itself, because each part of it is rounded.
{%- set other_figures = ['sales_then', 'sales_now', 'cogs_then', 'cogs_now'] %}

with scopes as (
    select
        scope_type,
        scope_id,
        customer_id,
        month,
        time_window,
        share,
        share_through
    from {{ ref('int_owner_scopes') }}
    where share <> 1
),

shared_customers as (
    select distinct customer_id
    from scopes
),

sums as (
    {{ leaf_sums('shared_customers') }}
),

changes as (
    {{ leaf_changes('sums') }}
),

kinds as (
    select
        customer_id,
        month,
        time_window,
        unit_of_measure,
        {{ leaf_kind(
            'class',
            'max(was_there) over (partition by customer_id, month, time_window)',
            'max(is_there) over (partition by customer_id, month, time_window)',
        ) }} as kind,
        {{ each('{}', leaf_figures()) }}
    from changes
),

parts as (
    select
        scopes.scope_type,
        scopes.scope_id,
        kinds.month,
        kinds.time_window,
        {%- for figure, scale in leaf_figures().items() %}
        {%- if figure in other_figures %}
        {{ owner_part('kinds.' ~ figure, 'scopes', scale) }} as {{ figure }},
        {%- else %}
        case
            when kinds.kind = 'comparable' then {{ owner_part('kinds.' ~ figure, 'scopes', scale) }} else 0
        end as {{ figure }},
        {%- endif %}
        {%- endfor %}
        kinds.kind,
        case when kinds.kind = 'comparable' then kinds.unit_of_measure else '' end as unit_of_measure
    from kinds
    inner join scopes
        on
            kinds.customer_id = scopes.customer_id
            and kinds.month = scopes.month
            and kinds.time_window = scopes.time_window
)

select
    scope_type,
    scope_id,
    month,
    time_window,
    unit_of_measure,
    kind,
    {{ each('cast(sum({}) as decimal(18, {value})) as {}', leaf_figures()) }}
from parts
group by scope_type, scope_id, month, time_window, unit_of_measure, kind
