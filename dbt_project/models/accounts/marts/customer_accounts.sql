-- The customer account: every line of the ladder side by side, its ratios and its counts, per customer and month.
-- Here sales lines meet customer costs, what is computed (accrued bonus, cost pools, credit time) and the manual
-- adjustments, and the company's ladder decides which lines are used and what the subtotals are.
{%- set customer_costs = customer_cost_lines() | reject('in', ['bonus', 'cash_discount']) | list %}
{%- set others = {
    'bonus': 'coalesce(direct.settled_bonus, 0) + coalesce(bonus.accrued_less_released, 0)',
    'cogs': 'coalesce(direct.cogs, 0) + coalesce(costs.cogs, 0)',
    'freight': 'coalesce(costs.freight, 0) - coalesce(direct.freight_charged, 0)',
    'credit_cost': 'credit.credit_cost',
} %}
{%- for line in pool_lines() %}
{%- do others.update({line: 'pools.' ~ line}) %}
{%- endfor %}

with signs as (
    {{ ladder_signs() }}
),

-- Bonus and cash discounts are needed before: they are in int_customer_direct_months.
costs as (
    select
        customer_id,
        month,
        {{ each("sum(case when column_name = '{}' then amount else 0 end) as {}", customer_costs, ',\n        ') }}
    from {{ ref('int_customer_costs_valued') }}
    group by customer_id, month
),

bonus as (
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
        {{ each("sum(case when line_code = '{value}' then amount else 0 end) as {}", pool_lines(), ',\n        ') }}
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

orders as (
    {{ order_counts() }}
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
    from costs
    where {{ each('{} <> 0', customer_costs, ' or ') }}
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
        {%- for amount in ladder_amounts() %}
        {{ others.get(amount, ('costs.' if amount in customer_costs else 'direct.') ~ amount) }} as {{ amount }},
        {%- endfor %}
        coalesce(orders.order_count, 0) as order_count,
        coalesce(direct.line_count, 0) as line_count,
        coalesce(direct.return_line_count, 0) as return_line_count,
        cast(coalesce(direct.visit_count, 0) as decimal(18, 4)) as visit_count,
        cast(coalesce(visits.visit_minutes, 0) as decimal(18, 4)) as visit_minutes,
        cast(coalesce(direct.freight_charged, 0) as decimal(18, 4)) as freight_charged,
        cast(coalesce(direct.sales_without_cost, 0) as decimal(18, 4)) as sales_without_cost,
        cast(coalesce(direct.returns_without_cost, 0) as decimal(18, 4)) as returns_without_cost
    from customer_months
    left join {{ ref('int_customer_direct_months') }} as direct
        on customer_months.customer_id = direct.customer_id and customer_months.month = direct.month
    left join orders
        on customer_months.customer_id = orders.customer_id and customer_months.month = orders.month
    left join costs
        on customer_months.customer_id = costs.customer_id and customer_months.month = costs.month
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
    cross join signs
    left join {{ ref('adjustment_months') }} as adjustments
        on computed.customer_id = adjustments.customer_id and computed.month = adjustments.month
),

summed as (
    select
        amounts.*,
        {{ ladder_sums('amounts', 'signs') }}
    from amounts
    cross join signs
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
