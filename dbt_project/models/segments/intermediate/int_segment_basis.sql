-- What a customer's segment is decided on, month by month from the first account on: the figures of 12 months, the rule
-- version in force, and whether the customer can be classed at all.
with first_months as (
    select
        customer_id,
        min(month) as first_month
    from {{ ref('customer_accounts') }}
    group by customer_id
),

versions as (
    select
        rule_version,
        valid_from,
        valid_before,
        max(minimum_months) as minimum_months,
        max(case when axis = 'size' then basis end) as size_basis,
        max(case when axis = 'margin' then basis end) as margin_basis
    from {{ ref('segment_rules') }}
    group by rule_version, valid_from, valid_before
),

figures as (
    select
        first_months.customer_id,
        windows.month,
        -- What a later month brings, this one does not know.
        case when first_orders.first_order_month <= windows.month then first_orders.first_order_month end
            as first_order_month,
        versions.rule_version,
        versions.minimum_months,
        versions.size_basis,
        versions.margin_basis,
        customers.is_unknown,
        customers.is_internal,
        coalesce(sums.invoiced_sales, 0) as invoiced_sales,
        coalesce(sums.net_sales, 0) as net_sales,
        coalesce(sums.db1, 0) as db1,
        coalesce(sums.db2, 0) as db2,
        coalesce(sums.db3, 0) as db3,
        {{ safe_ratio('sums.db1', 'sums.net_sales') }} as dg1,
        {{ safe_ratio('sums.db2', 'sums.net_sales') }} as dg2,
        {{ safe_ratio('sums.db3', 'sums.net_sales') }} as dg3,
        coalesce(sums.order_count, 0) as order_count
    from first_months
    inner join {{ ref('time_windows') }} as windows
        on first_months.first_month <= windows.month and windows.time_window = 'r12'
    inner join {{ ref('customers') }} as customers
        on first_months.customer_id = customers.customer_id
    inner join versions
        on
            {{ last_day_of('windows.month') }} >= versions.valid_from
            and {{ last_day_of('windows.month') }} < versions.valid_before
    left join {{ ref('int_customer_groups') }} as first_orders
        on first_months.customer_id = first_orders.customer_id
    left join {{ ref('int_customer_windows') }} as sums
        on
            first_months.customer_id = sums.customer_id
            and windows.month = sums.month
            and sums.time_window = 'r12'
)

select
    customer_id,
    month,
    rule_version,
    first_order_month,
    case
        when is_unknown then {{ unknown_id() }}
        when is_internal then {{ internal_state() }}
        when first_order_month is null then {{ new_state() }}
        when order_count = 0 then {{ lost_state() }}
        when {{ months_between('first_order_month', 'month') }} < minimum_months then {{ new_state() }}
    end as state,
    {%- for axis in ['size', 'margin'] %}
    cast(
        case {{ axis }}_basis
            {%- for basis in ['net_sales', 'invoiced_sales', 'db1', 'db2', 'db3', 'dg1', 'dg2', 'dg3'] %}
            when '{{ basis }}' then {{ basis }}
            {%- endfor %}
        end as decimal(18, 6)
    ) as {{ axis }}_value,
    {%- endfor %}
    cast(net_sales as decimal(18, 4)) as net_sales_r12,
    cast(db2 as decimal(18, 4)) as db2_r12,
    cast(db3 as decimal(18, 4)) as db3_r12,
    dg2 as dg2_r12,
    cast(order_count as decimal(18, 4)) as order_count_r12
from figures
