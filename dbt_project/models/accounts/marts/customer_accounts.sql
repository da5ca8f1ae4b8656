-- The customer account: every line of the ladder side by side, its ratios and its counts, per customer and month.
-- Here the records' amounts meet what is computed (accrued bonus, cost pools, credit time) and the manual
-- adjustments, and the company's ladder decides which lines are used and what the subtotals are.
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
    from {{ ref('int_pool_receivers') }}
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
),

computed as (
    select
        customer_months.customer_id,
        customer_months.month,
        direct.list_sales,
        direct.invoice_discount,
        direct.returns,
        coalesce(direct.settled_bonus, 0) + coalesce(bonus.accrued_less_released, 0) as bonus,
        direct.cash_discount,
        direct.cogs,
        direct.freight,
        direct.handling,
        direct.other_direct,
        pools.order_cost,
        pools.sales_effort_cost,
        credit.credit_cost,
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
),

amounts as (
    select
        computed.customer_id,
        computed.month,
        {%- for amount in ladder_amounts() %}
        cast(
            case
                when signs.{{ amount }}__is_used = 1
                    then coalesce(computed.{{ amount }}, 0) + coalesce(adjustments.{{ amount }}, 0)
                else 0
            end as decimal(18, 4)
        ) as {{ amount }},
        {%- endfor %}
        {{ each('computed.{}', count_measures()) }}
    from computed
    cross join {{ ref('int_ladder_signs') }} as signs
    left join {{ ref('adjustment_months') }} as adjustments
        on computed.customer_id = adjustments.customer_id and computed.month = adjustments.month
),

summed as (
    select
        amounts.*,
        {{ ladder_sums('amounts', 'signs') }}
    from amounts
    cross join {{ ref('int_ladder_signs') }} as signs
)

select
    customer_id,
    month,
    {{ each('{}', ladder_measures()) }},
    {{ safe_ratio('db1', 'net_sales') }} as dg1,
    {{ safe_ratio('db2', 'net_sales') }} as dg2,
    {{ safe_ratio('db3', 'net_sales') }} as dg3,
    {{ each('{}', count_measures()) }}
from summed
