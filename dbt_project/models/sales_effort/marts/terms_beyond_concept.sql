-- What customers get beyond the service concept of their segment, in the twelve months up to the last month of the
-- accounts, and what it costs. What the concept itself costs belongs in segment_service_concepts.
with last_month as (
    select max(month) as month
    from {{ ref('time_windows') }}
),

as_of as (
    select
        windows.month,
        windows.first_month,
        windows.month_count
    from {{ ref('time_windows') }} as windows
    inner join last_month
        on windows.month = last_month.month
    where windows.time_window = 'r12'
),

company as (
    select currency from {{ ref('stg_company') }}
),

-- What visits alone cost of the sales effort: what the cost pools give out by them. A pool that is given out by
-- something else besides counts with its part of the minutes; what no visit drives would not be saved by one less.
visit_costs as (
    select
        receivers.customer_id,
        sum(
            case
                when receivers.visit_weight = receivers.weight then receivers.amount
                else {{ div_round(
                    exact_product('receivers.amount', 'receivers.visit_weight', 4, 6), 'receivers.weight', 4
                ) }}
            end
        ) as visit_cost
    from {{ ref('int_pool_receivers') }} as receivers
    inner join as_of
        on receivers.month >= as_of.first_month and receivers.month <= as_of.month
    where receivers.line_code = 'K56' and receivers.visit_weight > 0
    group by receivers.customer_id
),

customers as (
    select
        segments.customer_id,
        segments.month,
        windows.month_count,
        segments.segment,
        {{ owed_visits('segments', 'windows', 'concepts') }} as planned_visits,
        coalesce(sums.visit_count, 0) as actual_visits,
        visit_costs.visit_cost,
        concepts.minimum_order,
        concepts.free_freight_from,
        concepts.maximum_bonus_rate,
        concepts.maximum_payment_days,
        customers.payment_terms_days,
        coalesce(sums.invoiced_sales, 0) as invoiced_sales,
        coalesce(sums.bonus, 0) as bonus,
        coalesce(sums.order_cost, 0) as order_cost,
        -- What the carriers cost: freight is net of what the customer was charged.
        coalesce(sums.freight + sums.freight_charged, 0) as carrier_cost
    from {{ ref('customer_segments') }} as segments
    inner join as_of as windows
        on segments.month = windows.month
    inner join {{ ref('int_service_concept_months') }} as concepts
        on segments.segment = concepts.segment and segments.month = concepts.month
    inner join {{ ref('customers') }} as customers
        on segments.customer_id = customers.customer_id
    left join visit_costs
        on segments.customer_id = visit_costs.customer_id
    left join {{ ref('int_customer_windows') }} as sums
        on
            segments.customer_id = sums.customer_id
            and segments.month = sums.month
            and sums.time_window = 'r12'
),

-- An order delivered in parts over several months is one order, as large as its parts together.
orders as (
    select
        orders.customer_id,
        orders.order_kind,
        orders.order_key,
        sum(orders.line_count) as line_count,
        sum(orders.invoiced_amount) as invoiced_amount,
        max(case when orders.is_freight_charged then 1 else 0 end) as is_freight_charged
    from {{ ref('int_customer_orders') }} as orders
    inner join as_of
        on orders.month >= as_of.first_month and orders.month <= as_of.month
    group by orders.customer_id, orders.order_kind, orders.order_key
),

-- What no line sells goods of is no order, so none that could have been larger.
order_counts as (
    select
        customers.customer_id,
        sum(1) as order_count,
        sum(case when orders.invoiced_amount < customers.minimum_order then 1 else 0 end) as small_orders,
        sum(
            case
                when orders.is_freight_charged = 0 and orders.invoiced_amount < customers.free_freight_from then 1
                else 0
            end
        ) as free_freight_orders
    from customers
    inner join orders
        on customers.customer_id = orders.customer_id
    where orders.line_count > 0
    group by customers.customer_id
),

terms as (
    select
        customer_id,
        'visits' as term,
        'visits' as unit,
        planned_visits as concept_limit,
        planned_visits as agreed,
        actual_visits as given,
        {{ div_round(
            exact_product('visit_cost', 'actual_visits - planned_visits', 4, 4), 'actual_visits', 4
        ) }} as worth
    from customers
    where actual_visits > planned_visits
    union all
    select
        customers.customer_id,
        'minimum_order' as term,
        'orders' as unit,
        customers.minimum_order as concept_limit,
        0 as agreed,
        order_counts.small_orders as given,
        {{ div_round('customers.order_cost * order_counts.small_orders', 'order_counts.order_count', 4) }} as worth
    from customers
    inner join order_counts
        on customers.customer_id = order_counts.customer_id
    union all
    select
        customers.customer_id,
        'free_freight' as term,
        'orders' as unit,
        customers.free_freight_from as concept_limit,
        0 as agreed,
        order_counts.free_freight_orders as given,
        case
            when customers.carrier_cost > 0
                then {{ div_round(
                    'customers.carrier_cost * order_counts.free_freight_orders', 'order_counts.order_count', 4
                ) }}
        end as worth
    from customers
    inner join order_counts
        on customers.customer_id = order_counts.customer_id
    union all
    select
        customer_id,
        'bonus' as term,
        'currency' as unit,
        maximum_bonus_rate as concept_limit,
        {{ money(exact_product('greatest(invoiced_sales, 0)', 'maximum_bonus_rate', 4, 8)) }} as agreed,
        bonus as given,
        bonus - {{ money(exact_product('greatest(invoiced_sales, 0)', 'maximum_bonus_rate', 4, 8)) }} as worth
    from customers
    where maximum_bonus_rate is not null
    union all
    select
        customer_id,
        'payment_days' as term,
        'days' as unit,
        maximum_payment_days as concept_limit,
        maximum_payment_days as agreed,
        payment_terms_days as given,
        cast(null as decimal(18, 4)) as worth
    from customers
),

given_terms as (
    select
        terms.*,
        customers.month,
        customers.month_count,
        customers.segment
    from terms
    inner join customers
        on terms.customer_id = customers.customer_id
    where terms.given > terms.agreed
),

worded as (
    select
        given_terms.*,
        given_terms.given - given_terms.agreed as excess,
        {%- for language in ['da', 'en'] %}
        {{ beyond_concept_text('given_terms', 'company.currency', language, 'Bonus ') }} as beyond_{{ language }},
        {{ amount_text('given_terms.worth', 'company.currency', language) }} as worth_{{ language }},
        {%- endfor %}
        cast(given_terms.month_count as string)
        || {{ counted_word('given_terms.month_count', ' måned', ' måneder') }} as span_da,
        cast(given_terms.month_count as string)
        || {{ counted_word('given_terms.month_count', ' month', ' months') }} as span_en
    from given_terms
    cross join company
)

select
    customer_id,
    month,
    term,
    segment,
    unit,
    cast(concept_limit as decimal(18, 8)) as concept_limit,
    cast(agreed as decimal(18, 4)) as agreed,
    cast(given as decimal(18, 4)) as given,
    cast(excess as decimal(18, 4)) as excess,
    cast(worth as decimal(18, 4)) as worth,
    beyond_da || coalesce('; overskridelsen koster ' || worth_da || ' på ' || span_da, '') || '.' as sentence_da,
    beyond_en || coalesce('; the excess costs ' || worth_en || ' in ' || span_en, '') || '.' as sentence_en
from worded
