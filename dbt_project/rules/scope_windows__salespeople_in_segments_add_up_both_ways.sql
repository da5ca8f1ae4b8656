{# Fails for each salesperson whose segments do not sum to the salesperson, for each segment of the opening whose
   salespeople do not sum to it, and for each that only one of the two has: every measure, now and then, to the last
   digit. A shared customer counts once for each of its salespeople, so customers are added up over segments only; who
   was lost a year ago is told of no segment. #}
{% macro scope_windows__salespeople_in_segments_add_up_both_ways() -%}
with
{%- for scope_type, column in [('salesperson', 'salesperson_id'), ('segment_opening', 'segment')] %}
{%- set parts = account_measures() + good_customer_measures().keys() | list %}
{%- set measures = parts + (customer_count_measures() if scope_type == 'salesperson' else []) %}
{%- set compared = measures | reject('equalto', 'lost_customer_count') | list %}
{{ scope_type }}_parts as (
    select
        {{ column }} as scope_id,
        month,
        time_window,
        sum(scope_customers) as scope_customers,
        {{ each('sum({}) as {}, sum(compared_{}) as compared_{}', account_measures() + customer_base_measures()) }},
        {{ each('sum({}) as {}', rate_measures()) }}
    from {{ ref('scope_windows') }}
    where scope_type = 'salesperson_segment'
    group by {{ column }}, month, time_window
),

{{ scope_type }}_wholes as (
    select *
    from {{ ref('scope_windows') }}
    where scope_type = '{{ scope_type }}'
),

{{ scope_type }}_found as (
    select
        '{{ scope_type }}' as scope_type,
        coalesce(wholes.scope_id, parts.scope_id) as scope_id,
        coalesce(wholes.month, parts.month) as month,
        coalesce(wholes.time_window, parts.time_window) as time_window,
        wholes.net_sales,
        parts.net_sales as net_sales_of_parts,
        wholes.db3,
        parts.db3 as db3_of_parts
    from {{ scope_type }}_wholes as wholes
    full join {{ scope_type }}_parts as parts
        on
            wholes.scope_id = parts.scope_id
            and wholes.month = parts.month
            and wholes.time_window = parts.time_window
    where
        {%- if scope_type == 'salesperson' %}
        wholes.scope_customers is distinct from parts.scope_customers
        or
        {%- endif %}
        {{ each('wholes.{} is distinct from parts.{}', measures, ' or ') }}
        or {{ each('wholes.compared_{} is distinct from parts.compared_{}', compared, ' or ') }}
        or {{ each('wholes.{} is distinct from parts.{}', rate_measures(), ' or ') }}
){{ ',' if not loop.last }}
{% endfor %}

select *
from salesperson_found
union all
select *
from segment_opening_found
{%- endmacro %}
