-- Why DB II of invoiced sales moved: what each cost driver took of invoiced sales now and then. The effects of the
-- drivers add up to the change of DB II / invoiced sales, to the last digit. What a customer could save belongs in
-- driver_opportunities.
{%- set costs = [
    'returns', 'bonus', 'cash_discount', 'cogs', 'freight', 'handling', 'other_direct', 'order_cost',
    'sales_effort_cost', 'credit_cost',
] %}

-- The drivers are the lines between invoiced sales and DB II, in the company's own ladder.
with lines as (
    select
        ladder.column_name as driver,
        db2_terms.sign,
        -- Every rate is rounded; the rest of the rounding is the largest cost's, so that the rates sum to the whole.
        row_number() over (
            order by
                case ladder.column_name when 'cogs' then 0 else 1 end asc nulls last,
                ladder.position asc nulls last
        ) = 1 as has_rest
    from {{ ref('int_ladder_terms') }} as db2_terms
    inner join {{ ref('ladder') }} as ladder
        on db2_terms.line_code = ladder.line_code
    left join {{ ref('int_ladder_terms') }} as sales_terms
        on db2_terms.line_code = sales_terms.line_code and sales_terms.column_name = 'invoiced_sales'
    where db2_terms.column_name = 'db2' and sales_terms.line_code is null
),

-- No ratio without invoiced sales in both windows; and a cost of ten thousand times the sales is no rate to compare.
-- Portfolios are bridged by who owned the customers on the posting date.
scopes as (
    select
        scopes.scope_type,
        scopes.scope_id,
        scopes.month,
        scopes.time_window,
        scopes.invoiced_sales,
        scopes.compared_invoiced_sales,
        {%- for cost in costs %}
        scopes.{{ cost }},
        scopes.compared_{{ cost }},
        {%- endfor %}
        scopes.db2,
        scopes.compared_db2
    from {{ ref('int_scope_windows') }} as scopes
    inner join {{ ref('time_windows') }} as windows
        on
            scopes.month = windows.month
            and scopes.time_window = windows.time_window
            and windows.compared_first_month is not null
    where
        scopes.scope_type <> 'salesperson_today'
        and scopes.invoiced_sales > 0
        and scopes.compared_invoiced_sales > 0
        {%- for cost in costs %}
        and abs(scopes.{{ cost }}) < 10000 * scopes.invoiced_sales
        and abs(scopes.compared_{{ cost }}) < 10000 * scopes.compared_invoiced_sales
        {%- endfor %}
),

amounts as (
    select
        scopes.scope_type,
        scopes.scope_id,
        scopes.month,
        scopes.time_window,
        lines.driver,
        lines.has_rest,
        scopes.invoiced_sales,
        scopes.compared_invoiced_sales,
        cast(
            -lines.sign
            * case lines.driver
                {%- for cost in costs %}
                when '{{ cost }}' then scopes.{{ cost }}
                {%- endfor %}
            end as decimal(18, 4)
        ) as amount,
        cast(
            -lines.sign
            * case lines.driver
                {%- for cost in costs %}
                when '{{ cost }}' then scopes.compared_{{ cost }}
                {%- endfor %}
            end as decimal(18, 4)
        ) as compared_amount
    from scopes
    cross join lines
),

rounded as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        driver,
        has_rest,
        amount,
        compared_amount,
        {{ long_money_ratio('amount', 'invoiced_sales') }} as rate,
        {{ long_money_ratio('compared_amount', 'compared_invoiced_sales') }} as compared_rate
    from amounts
),

totals as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        db2,
        compared_db2,
        {{ long_money_ratio('db2', 'invoiced_sales') }} as rate,
        {{ long_money_ratio('compared_db2', 'compared_invoiced_sales') }} as compared_rate
    from scopes
),

others as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        sum(rate) as rate,
        sum(compared_rate) as compared_rate
    from rounded
    where not has_rest
    group by scope_type, scope_id, month, time_window
),

rated as (
    select
        rounded.scope_type,
        rounded.scope_id,
        rounded.month,
        rounded.time_window,
        rounded.driver,
        rounded.amount,
        rounded.compared_amount,
        case when rounded.has_rest then 1 - totals.rate - coalesce(others.rate, 0) else rounded.rate end as rate,
        case
            when rounded.has_rest then 1 - totals.compared_rate - coalesce(others.compared_rate, 0)
            else rounded.compared_rate
        end as compared_rate
    from rounded
    inner join totals
        on
            rounded.scope_type = totals.scope_type
            and rounded.scope_id = totals.scope_id
            and rounded.month = totals.month
            and rounded.time_window = totals.time_window
    left join others
        on
            rounded.scope_type = others.scope_type
            and rounded.scope_id = others.scope_id
            and rounded.month = others.month
            and rounded.time_window = others.time_window
)

select
    scope_type,
    scope_id,
    month,
    time_window,
    driver,
    amount,
    compared_amount,
    cast(rate as decimal(18, 12)) as rate,
    cast(compared_rate as decimal(18, 12)) as compared_rate,
    cast(compared_rate - rate as decimal(18, 12)) as effect
from rated
union all
select
    scope_type,
    scope_id,
    month,
    time_window,
    'db2' as driver,
    cast(db2 as decimal(18, 4)) as amount,
    cast(compared_db2 as decimal(18, 4)) as compared_amount,
    rate,
    compared_rate,
    cast(rate - compared_rate as decimal(18, 12)) as effect
from totals
