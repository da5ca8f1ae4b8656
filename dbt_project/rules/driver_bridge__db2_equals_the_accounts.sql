{# Fails for each scope and window whose DB II / invoiced sales in the bridge is not what the accounts come to,
   added up over their months, and for each that is missing: the company, every customer and every salesperson.
   Both windows. #}
{% macro driver_bridge__db2_equals_the_accounts() -%}
{%- set scopes = [
    ('company', "'company'", 'customer_accounts'),
    ('customer', 'customer_id', 'customer_accounts'),
    ('salesperson', 'salesperson_id', 'portfolio_accounts'),
] %}

with account_months as (
    {%- for scope_type, scope_id, accounts in scopes %}
    select
        '{{ scope_type }}' as scope_type,
        {{ scope_id }} as scope_id,
        month,
        invoiced_sales,
        db2,
        {{ each('abs({})', ladder_costs(), ' + ') }} as costs
    from {{ ref(accounts) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

sums as (
    select
        account_months.scope_type,
        account_months.scope_id,
        {%- for measure in ['invoiced_sales', 'db2', 'costs'] %}
        sum(case when account_months.month >= windows.first_month then {{ measure }} else 0 end) as {{ measure }},
        sum(case when account_months.month <= windows.compared_last_month then {{ measure }} else 0 end)
            as compared_{{ measure }},
        {%- endfor %}
        windows.month,
        windows.time_window
    from account_months
    inner join {{ ref('time_windows') }} as windows
        on
            windows.is_bridged
            and account_months.month >= windows.compared_first_month
            and account_months.month <= windows.month
    group by account_months.scope_type, account_months.scope_id, windows.month, windows.time_window
),

-- A cost of ten thousand times the sales has no row.
expected as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        invoiced_sales,
        db2,
        compared_invoiced_sales,
        compared_db2,
        {{ is_comparable_part('costs', 'invoiced_sales') }}
        and {{ is_comparable_part('compared_costs', 'compared_invoiced_sales') }} as must_have_row
    from sums
    where invoiced_sales > 0 and compared_invoiced_sales > 0
),

bridge as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        driver,
        amount,
        compared_amount,
        rate,
        compared_rate
    from {{ ref('driver_bridge') }}
    where driver = 'db2' and scope_type in ('company', 'customer', 'salesperson')
),

found as (
    select
        coalesce(expected.scope_type, bridge.scope_type) as scope_type,
        coalesce(expected.scope_id, bridge.scope_id) as scope_id,
        coalesce(expected.month, bridge.month) as month,
        coalesce(expected.time_window, bridge.time_window) as time_window,
        expected.db2,
        expected.compared_db2,
        expected.must_have_row,
        bridge.driver,
        bridge.amount,
        bridge.compared_amount,
        bridge.rate,
        bridge.compared_rate,
        -- Only where there is a row: other ratios may be larger than the type holds.
        case when bridge.driver is not null then expected.invoiced_sales end as invoiced_sales,
        case when bridge.driver is not null then expected.compared_invoiced_sales end as compared_invoiced_sales
    from expected
    full join bridge
        on
            expected.scope_type = bridge.scope_type
            and expected.scope_id = bridge.scope_id
            and expected.month = bridge.month
            and expected.time_window = bridge.time_window
)

select
    scope_type,
    scope_id,
    month,
    time_window,
    db2,
    amount,
    compared_db2,
    compared_amount,
    rate,
    compared_rate
from found
where
    (driver is null and must_have_row)
    or (
        driver is not null
        and (
            amount is distinct from db2
            or compared_amount is distinct from compared_db2
            or rate is distinct from {{ long_money_ratio('db2', 'invoiced_sales') }}
            or compared_rate is distinct from {{ long_money_ratio('compared_db2', 'compared_invoiced_sales') }}
        )
    )
{%- endmacro %}
