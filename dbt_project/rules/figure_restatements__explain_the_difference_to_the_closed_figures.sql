{# Per closed month, for each salesperson and the company: what was closed plus the restatements is what the
   accounts show now, to the øre, in the lines and results that are reported. #}
{% macro figure_restatements__explain_the_difference_to_the_closed_figures() -%}
{%- set shared = ['net_sales', 'db1', 'db2', 'db3'] %}
{%- set company = shared + [
    'segment_cost', 'unused_capacity', 'unallocated', 'rate_difference', 'bonus_timing', 'ledger_result',
    'difference',
] %}

with closes as (
    select month
    from {{ ref('period_closes') }}
    where is_in_force and event = 'close'
),

parts as (
    select
        month,
        level,
        scope_id,
        measure,
        amount as explained,
        0 as shown
    from {{ ref('closed_figures') }}
    union all
    select
        month,
        level,
        scope_id,
        measure,
        difference as explained,
        0 as shown
    from {{ ref('figure_restatements') }}
    {%- for measure in shared %}
    union all
    select
        accounts.month,
        'salesperson' as level,
        accounts.salesperson_id as scope_id,
        '{{ measure }}' as measure,
        0 as explained,
        accounts.{{ measure }} as shown
    from {{ ref('portfolio_accounts') }} as accounts
    inner join closes
        on accounts.month = closes.month
    {%- endfor %}
    {%- for measure in company %}
    union all
    select
        accounts.month,
        'company' as level,
        'company' as scope_id,
        '{{ measure }}' as measure,
        0 as explained,
        accounts.{{ measure }} as shown
    from {{ ref('company_accounts') }} as accounts
    inner join closes
        on accounts.month = closes.month
    {%- endfor %}
)

select
    month,
    level,
    scope_id,
    measure,
    sum(explained) as explained,
    sum(shown) as shown
from parts
where
    measure in ({{ quoted(company) }})
group by month, level, scope_id, measure
having sum(explained) is distinct from coalesce(sum(shown), 0)
{%- endmacro %}
