{# Splitting a customer's figures between the salespeople who own the customer: the one home of that rule. Who owns
   whom, and when, belongs in int_owner_spans. #}

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

{# The columns of portfolio_accounts and current_portfolio_accounts; ownership: 'posting_date' or 'today'. #}
{% macro portfolio_accounts(ownership) -%}
{%- set ladder_columns = ladder_measures() -%}
{%- set counts = count_measures() -%}
with amounts as (
    select
        amounts.salesperson_id,
        amounts.customer_id,
        amounts.month,
        {%- for column in ladder_columns %}
        sum(
            case when terms.column_name = '{{ column }}' then terms.sign * amounts.amount else 0 end
        ) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_portfolio_lines') }} as amounts
    inner join {{ ref('int_ladder_terms') }} as terms
        on amounts.line_code = terms.line_code
    where amounts.ownership = '{{ ownership }}'
    group by amounts.salesperson_id, amounts.customer_id, amounts.month
)

select
    counts.salesperson_id,
    counts.customer_id,
    counts.month,
    counts.share,
    {%- for column in ladder_columns %}
    cast(coalesce(amounts.{{ column }}, 0) as decimal(18, 4)) as {{ column }},
    {%- endfor %}
    {%- for level in ['1', '2', '3'] %}
    {{ safe_ratio('coalesce(amounts.db' ~ level ~ ', 0)', 'coalesce(amounts.net_sales, 0)') }} as dg{{ level }},
    {%- endfor %}
    {%- for column in counts %}
    counts.{{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ ref('int_portfolio_counts') }} as counts
left join amounts
    on
        counts.salesperson_id = amounts.salesperson_id
        and counts.customer_id = amounts.customer_id
        and counts.month = amounts.month
where counts.ownership = '{{ ownership }}'
{%- endmacro %}

{# For rules of portfolio_ratio_bridge: one row per scope of the bridge, customer and window, with net sales and
   contributions of now and then. What is asked of them belongs in the rule. #}
{% macro ratio_bridge_customers() -%}
    {%- for scope_type, scope_id, relation in [
        ('company', "'company'", ref('int_customer_windows')),
        ('segment', 'segments.opening_segment', ref('int_customer_windows')),
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
    {%- if scope_type == 'segment' %}
    inner join {{ ref('customer_segments') }} as segments
        on windows.customer_id = segments.customer_id and windows.month = segments.month
    {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
