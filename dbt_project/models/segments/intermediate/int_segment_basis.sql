-- What a customer's segment is decided on, month by month from the first account on: the figures of 12 months, the rule
-- version in force, and whether the customer can be classed at all. Where chains are classed as one, these are the
-- chain's, the same for each of its customers.
{%- set sums = ['invoiced_sales', 'net_sales', 'db1', 'db2', 'db3', 'order_count'] %}

with first_months as (
    select
        customer_id,
        min(month) as first_month
    from {{ ref('customer_accounts') }}
    group by customer_id
),

-- A customer inside the group is outside its chain: it is Intern, and says nothing of what the others are.
members as (
    select
        first_months.customer_id,
        first_months.first_month,
        customers.is_unknown,
        customers.is_internal,
        case
            when company.segment_level = 'customer' or customers.chain_customers = 1 then customers.customer_id
            when not customers.is_internal then customers.chain_id
        end as classed_id,
        company.segment_level = 'chain' and customers.chain_customers > 1 and not customers.is_internal as is_of_chain
    from first_months
    inner join {{ ref('customers') }} as customers
        on first_months.customer_id = customers.customer_id
    cross join {{ ref('stg_company') }} as company
),

-- The first customer of a chain is there in all of its months, so it can stand for it.
counted as (
    select
        customer_id,
        first_month,
        is_unknown,
        is_internal,
        classed_id,
        is_of_chain,
        row_number() over (
            partition by classed_id order by first_month asc nulls last, customer_id asc nulls last
        ) = 1 as is_counted
    from members
),

-- Both are empty where customers are classed one by one.
chain_sums as (
    select
        members.classed_id,
        windows.month,
        {{ each('cast(sum(windows.{}) as decimal(18, 4)) as {}', sums) }}
    from members
    inner join {{ ref('int_customer_windows') }} as windows
        on members.customer_id = windows.customer_id and windows.time_window = 'r12'
    where members.is_of_chain
    group by members.classed_id, windows.month
),

chain_orders as (
    select
        members.classed_id,
        min(first_orders.first_order_month) as first_order_month
    from members
    inner join {{ ref('int_customer_groups') }} as first_orders
        on members.customer_id = first_orders.customer_id
    where members.is_of_chain
    group by members.classed_id
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
        counted.customer_id,
        windows.month,
        counted.classed_id,
        counted.is_of_chain,
        counted.is_counted,
        counted.is_unknown,
        counted.is_internal,
        -- What a later month brings, this one does not know.
        case when first_orders.first_order_month <= windows.month then first_orders.first_order_month end
            as first_order_month,
        case
            when coalesce(chain_orders.first_order_month, first_orders.first_order_month) <= windows.month
                then coalesce(chain_orders.first_order_month, first_orders.first_order_month)
        end as classed_first_order_month,
        versions.rule_version,
        versions.minimum_months,
        versions.size_basis,
        versions.margin_basis,
        {{ each('coalesce(own.{}, 0) as own_{}', sums) }},
        {{ each('coalesce(chain_sums.{}, own.{}, 0) as {}', sums) }}
    from counted
    inner join {{ ref('time_windows') }} as windows
        on counted.first_month <= windows.month and windows.time_window = 'r12'
    inner join versions
        on
            {{ last_day_of('windows.month') }} >= versions.valid_from
            and {{ last_day_of('windows.month') }} < versions.valid_before
    left join {{ ref('int_customer_groups') }} as first_orders
        on counted.customer_id = first_orders.customer_id
    left join {{ ref('int_customer_windows') }} as own
        on
            counted.customer_id = own.customer_id
            and windows.month = own.month
            and own.time_window = 'r12'
    left join chain_sums
        on counted.classed_id = chain_sums.classed_id and windows.month = chain_sums.month
    left join chain_orders
        on counted.classed_id = chain_orders.classed_id
),

measured as (
    select
        *,
        {{ safe_ratio('db1', 'net_sales') }} as dg1,
        {{ safe_ratio('db2', 'net_sales') }} as dg2,
        {{ safe_ratio('db3', 'net_sales') }} as dg3
    from figures
)

select
    customer_id,
    month,
    classed_id,
    is_of_chain,
    is_counted,
    rule_version,
    first_order_month,
    classed_first_order_month,
    case
        when is_unknown then {{ unknown_id() }}
        when is_internal then {{ internal_state() }}
        when classed_first_order_month is null then {{ new_state() }}
        when order_count = 0 then {{ lost_state() }}
        when {{ months_between('classed_first_order_month', 'month') }} < minimum_months then {{ new_state() }}
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
    cast(db3 as decimal(18, 4)) as classed_db3,
    cast(order_count as decimal(18, 4)) as classed_order_count,
    cast(own_net_sales as decimal(18, 4)) as net_sales_r12,
    cast(own_db2 as decimal(18, 4)) as db2_r12,
    cast(own_db3 as decimal(18, 4)) as db3_r12,
    case when is_of_chain then {{ safe_ratio('own_db2', 'own_net_sales') }} else dg2 end as dg2_r12,
    cast(own_order_count as decimal(18, 4)) as order_count_r12
from measured
