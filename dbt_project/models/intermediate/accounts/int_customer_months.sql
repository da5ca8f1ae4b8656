-- Every amount and count of a customer's month, from records and computed: what the ladder starts from. Manual
-- adjustments and subtotals belong in customer_account_lines, where the ladder decides them.
with bonus as (
    select
        customer_id,
        month,
        sum(accrued - released) as accrued_less_released
    from {{ ref('int_bonus_accruals') }}
    group by customer_id, month
),

pools as (
    select
        customer_id,
        month,
        sum(case when line_code = 'K55' then amount else 0 end) as order_cost,
        sum(case when line_code = 'K56' then amount else 0 end) as sales_effort_cost
    from {{ ref('allocations') }}
    where amount <> 0
    group by customer_id, month
),

credit as (
    select
        customer_id,
        month,
        sum(amount) as credit_cost
    from {{ ref('int_credit_costs') }}
    group by customer_id, month
),

visits as (
    select
        customer_id,
        month,
        sum(minutes) as visit_minutes
    from {{ ref('int_visits') }}
    group by customer_id, month
),

customer_months as (
    select
        customer_id,
        month
    from {{ ref('int_customer_direct_months') }}
    union distinct
    select
        customer_id,
        month
    from bonus
    union distinct
    select
        customer_id,
        month
    from pools
    union distinct
    select
        customer_id,
        month
    from credit
    union distinct
    select
        customer_id,
        month
    from {{ ref('int_adjustments_valued') }}
    where amount <> 0
)

select
    customer_months.customer_id,
    customer_months.month,
    cast(coalesce(direct.list_sales, 0) as decimal(18, 4)) as list_sales,
    cast(coalesce(direct.invoice_discount, 0) as decimal(18, 4)) as invoice_discount,
    cast(coalesce(direct.returns, 0) as decimal(18, 4)) as returns,
    cast(coalesce(direct.settled_bonus, 0) + coalesce(bonus.accrued_less_released, 0) as decimal(18, 4)) as bonus,
    cast(coalesce(direct.cash_discount, 0) as decimal(18, 4)) as cash_discount,
    cast(coalesce(direct.cogs, 0) as decimal(18, 4)) as cogs,
    cast(coalesce(direct.freight, 0) as decimal(18, 4)) as freight,
    cast(coalesce(direct.handling, 0) as decimal(18, 4)) as handling,
    cast(coalesce(direct.other_direct, 0) as decimal(18, 4)) as other_direct,
    cast(coalesce(pools.order_cost, 0) as decimal(18, 4)) as order_cost,
    cast(coalesce(pools.sales_effort_cost, 0) as decimal(18, 4)) as sales_effort_cost,
    cast(coalesce(credit.credit_cost, 0) as decimal(18, 4)) as credit_cost,
    coalesce(direct.order_count, 0) as order_count,
    coalesce(direct.line_count, 0) as line_count,
    coalesce(direct.return_line_count, 0) as return_line_count,
    cast(coalesce(direct.visit_count, 0) as decimal(18, 4)) as visit_count,
    cast(coalesce(visits.visit_minutes, 0) as decimal(18, 4)) as visit_minutes,
    cast(coalesce(direct.freight_charged, 0) as decimal(18, 4)) as freight_charged,
    cast(coalesce(direct.sales_without_cost, 0) as decimal(18, 4)) as sales_without_cost
from customer_months
left join {{ ref('int_customer_direct_months') }} as direct
    on customer_months.customer_id = direct.customer_id and customer_months.month = direct.month
left join bonus
    on customer_months.customer_id = bonus.customer_id and customer_months.month = bonus.month
left join pools
    on customer_months.customer_id = pools.customer_id and customer_months.month = pools.month
left join credit
    on customer_months.customer_id = credit.customer_id and customer_months.month = credit.month
left join visits
    on customer_months.customer_id = visits.customer_id and customer_months.month = visits.month
