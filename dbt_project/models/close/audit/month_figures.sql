-- What a month says of each salesperson and of the company, one figure per row: what a closing takes over. Lines of
-- customers are in account_sources, ratios in the accounts themselves.
{%- set company_measures = ladder_measures() + [
    'segment_cost', 'unused_capacity', 'unallocated', 'rate_difference', 'explained_differences', 'bonus_timing',
    'ledger_result', 'difference', 'sales_without_cost', 'returns_without_cost',
] %}

with portfolios as (
    select
        {%- for measure in account_measures() %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        month,
        salesperson_id
    from {{ ref('portfolio_accounts') }}
    group by month, salesperson_id
),

figures as (
    {%- for measure in account_measures() %}
    select
        month,
        'salesperson' as level,
        salesperson_id as scope_id,
        '{{ measure }}' as measure,
        cast({{ measure }} as decimal(18, 4)) as amount
    from portfolios
    union all
    {%- endfor %}
    {%- for measure in company_measures %}
    select
        month,
        'company' as level,
        'company' as scope_id,
        '{{ measure }}' as measure,
        {{ measure }} as amount
    from {{ ref('company_accounts') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    month,
    level,
    scope_id,
    measure,
    amount
from figures
where amount <> 0
