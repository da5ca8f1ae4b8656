-- What each customer caused in each month, per driver: activities as supplied, and counts of the sales lines and the
-- customer ledger for the drivers that no activity supplies. Only drivers that a pool uses are here.
with used_drivers as (
    select {{ driver_name('driver') }} as driver from {{ ref('stg_cost_pools') }}
    union distinct
    select {{ driver_name('activity_type') }} as driver from {{ ref('stg_activity_times') }}
),

activities as (
    select
        customer_id,
        month,
        {{ driver_name('activity_type') }} as driver,
        quantity
    from {{ ref('int_activities_resolved') }}
),

supplied_drivers as (
    select distinct
        driver,
        month
    from activities
),

-- In the standard form of the account: moving a line of the ladder does not change who causes a cost. A month may hold
-- accrued bonus alone.
net_sales as (
    select
        customer_id,
        month,
        list_sales - invoice_discount - returns - settled_bonus - cash_discount as amount
    from {{ ref('int_customer_direct_months') }}
    union all
    select
        customer_id,
        month,
        released - accrued as amount
    from {{ ref('int_bonus_accruals') }}
),

quantities as (
    select
        customer_id,
        month,
        sum(quantity) as quantity
    from {{ ref('int_leaf_months') }}
    group by customer_id, month
),

shipments as (
    select
        customer_id,
        month,
        count(distinct coalesce(document_no, cost_no)) as quantity
    from {{ ref('int_customer_costs_valued') }}
    where cost_type = 'freight'
    group by customer_id, month
),

documents as (
    select
        customer_id,
        month,
        count(*) as quantity
    from (
        select
            customer_id,
            {{ period_of('invoice_date') }} as month
        from {{ ref('int_receivables_resolved') }}
    ) as invoiced
    group by customer_id, month
),

orders as (
    {{ order_counts() }}
),

derived as (
    {%- for driver, counted in {'order_lines': 'line_count', 'return_lines': 'return_line_count'}.items() %}
    select
        customer_id,
        month,
        '{{ driver }}' as driver,
        cast({{ counted }} as decimal(18, 6)) as quantity
    from {{ ref('int_customer_direct_months') }}
    union all
    {%- endfor %}
    select
        customer_id,
        month,
        'orders' as driver,
        cast(order_count as decimal(18, 6)) as quantity
    from orders
    union all
    select
        customer_id,
        month,
        'quantity' as driver,
        cast(quantity as decimal(18, 6)) as quantity
    from quantities
    union all
    select
        customer_id,
        month,
        'net_sales' as driver,
        cast(sum(amount) as decimal(18, 6)) as quantity
    from net_sales
    group by customer_id, month
    union all
    select
        customer_id,
        month,
        'shipments' as driver,
        cast(quantity as decimal(18, 6)) as quantity
    from shipments
    union all
    select
        customer_id,
        month,
        'receivables' as driver,
        cast(quantity as decimal(18, 6)) as quantity
    from documents
),

drivers as (
    select
        customer_id,
        month,
        driver,
        quantity
    from activities
    union all
    select
        derived.customer_id,
        derived.month,
        derived.driver,
        derived.quantity
    from derived
    left join supplied_drivers
        on derived.driver = supplied_drivers.driver and derived.month = supplied_drivers.month
    where supplied_drivers.driver is null
)

select
    drivers.customer_id,
    drivers.month,
    drivers.driver,
    cast(sum(drivers.quantity) as decimal(18, 6)) as quantity
from drivers
inner join used_drivers
    on drivers.driver = used_drivers.driver
group by drivers.customer_id, drivers.month, drivers.driver
having sum(drivers.quantity) <> 0
