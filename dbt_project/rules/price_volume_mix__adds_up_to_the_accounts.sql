{# The components lead from the net sales and DB I of the compared window to those of the window, to the last
   digit, and those are the customer accounts'. #}
{% macro price_volume_mix__adds_up_to_the_accounts() -%}
with bridges as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        sum(case when component = 'closing' then 0 else revenue_effect end) as explained_sales,
        sum(case when component = 'closing' then 0 else db1_effect end) as explained_db1,
        sum(case when component = 'closing' then revenue_effect else 0 end) as closing_sales,
        sum(case when component = 'closing' then db1_effect else 0 end) as closing_db1,
        sum(case when component = 'opening' then revenue_effect else 0 end) as opening_sales,
        sum(case when component = 'opening' then db1_effect else 0 end) as opening_db1
    from {{ ref('price_volume_mix') }}
    group by scope_type, scope_id, month, time_window
),

-- Every view of the whole: the company as one, and as the sum of its segments, salespeople and customers.
views as (
    select
        scope_type,
        month,
        time_window,
        sum(opening_sales) as opening_sales,
        sum(opening_db1) as opening_db1,
        sum(closing_sales) as closing_sales,
        sum(closing_db1) as closing_db1
    from bridges
    group by scope_type, month, time_window
),

scope_types as (
    {%- for scope_type in ['company', 'customer', 'segment', 'segment_opening', 'salesperson'] %}
    select '{{ scope_type }}' as scope_type
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

accounts as (
    select
        windows.month,
        windows.time_window,
        sum(case when accounts.month >= windows.first_month then accounts.net_sales else 0 end) as closing_sales,
        sum(case when accounts.month >= windows.first_month then accounts.db1 else 0 end) as closing_db1,
        sum(case when accounts.month <= windows.compared_last_month then accounts.net_sales else 0 end)
            as opening_sales,
        sum(case when accounts.month <= windows.compared_last_month then accounts.db1 else 0 end) as opening_db1
    from {{ ref('time_windows') }} as windows
    inner join {{ ref('customer_accounts') }} as accounts
        on
            (windows.first_month <= accounts.month and windows.month >= accounts.month)
            or (windows.compared_first_month <= accounts.month and windows.compared_last_month >= accounts.month)
    where windows.is_bridged
    group by windows.month, windows.time_window
)

select
    scope_type || ' ' || scope_id as scope,
    month,
    time_window,
    'does not add up' as problem
from bridges
where explained_sales is distinct from closing_sales or explained_db1 is distinct from closing_db1
union all
select
    scope_types.scope_type as scope,
    accounts.month,
    accounts.time_window,
    'is not the accounts' as problem
from accounts
cross join scope_types
left join views
    on
        accounts.month = views.month
        and accounts.time_window = views.time_window
        and scope_types.scope_type = views.scope_type
where
    accounts.opening_sales is distinct from views.opening_sales
    or accounts.opening_db1 is distinct from views.opening_db1
    or accounts.closing_sales is distinct from views.closing_sales
    or accounts.closing_db1 is distinct from views.closing_db1
{%- endmacro %}
