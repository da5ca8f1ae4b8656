{# What several models of sales_effort say: of visits owed, terms beyond the concept, and what actions are worth. #}

{# Visits that a customer is owed in twelve months, decimal(18, 4); NULL without a plan. A customer of seven months is
   not owed a year of visits. segments, windows, concepts: aliases of customer_segments, of time_windows (r12) and of
   int_service_concept_months. #}
{% macro owed_visits(segments, windows, concepts) -%}
{%- set months = months_between(segments ~ '.first_order_month', segments ~ '.month') -%}
    case
            when {{ months }} < {{ windows }}.month_count
                then {{ div_round(concepts ~ '.visits_per_year * ' ~ months, '12', 4) }}
            else {{ concepts }}.planned_visits
        end
{%- endmacro %}

{# What a customer gets beyond the concept, in words and without what it costs: '32 visits against 10 in the service
   concept of AN'. terms: alias of a relation with term, given, agreed, concept_limit and segment; bonus: the word
   before an amount of bonus. #}
{% macro beyond_concept_text(terms, currency, language, bonus='') -%}
{%- set given = count_text(terms ~ '.given', language) -%}
{%- set agreed = count_text(terms ~ '.agreed', language) -%}
{%- set limit = amount_text(terms ~ '.concept_limit', currency, language) -%}
{%- set given_amount = amount_text(terms ~ '.given', currency, language) -%}
{%- set agreed_amount = amount_text(terms ~ '.agreed', currency, language) -%}
{%- if language == 'da' -%}
    case {{ terms }}.term
            when 'visits' then {{ given }} || ' besøg mod ' || {{ agreed }} || ' i servicekonceptet'
            when 'minimum_order'
                then
                    {{ given }} || {{ counted_word(terms ~ '.given', ' ordre', ' ordrer') }}
                    || ' under mindsteordren på ' || {{ limit }}
            when 'free_freight'
                then
                    {{ given }} || {{ counted_word(terms ~ '.given', ' fragtfri ordre', ' fragtfri ordrer') }}
                    || ' under fragtfrigrænsen på ' || {{ limit }}
            when 'bonus'
                then
                    '{{ bonus }}' || {{ given_amount }} || ' mod højst ' || {{ agreed_amount }}
                    || ' i servicekonceptet'
            else {{ given }} || ' dages betalingsfrist mod højst ' || {{ agreed }} || ' i servicekonceptet'
        end || ' for ' || {{ terms }}.segment
{%- else -%}
    case {{ terms }}.term
            when 'visits'
                then
                    {{ given }} || {{ counted_word(terms ~ '.given', ' visit', ' visits') }}
                    || ' against ' || {{ agreed }} || ' in the service concept'
            when 'minimum_order'
                then
                    {{ given }} || {{ counted_word(terms ~ '.given', ' order', ' orders') }}
                    || ' below the minimum order of ' || {{ limit }}
            when 'free_freight'
                then
                    {{ given }} || {{ counted_word(terms ~ '.given', ' order', ' orders') }}
                    || ' without freight charge below the free freight limit of ' || {{ limit }}
            when 'bonus'
                then
                    '{{ bonus }}' || {{ given_amount }} || ' against at most ' || {{ agreed_amount }}
                    || ' in the service concept'
            else {{ given }} || ' days to pay against at most ' || {{ agreed }} || ' in the service concept'
        end || ' of ' || {{ terms }}.segment
{%- endif -%}
{%- endmacro %}

{# CTEs of which the last, `capped`, has the actions of every customer with what each is worth; customer_actions lists
   them, sales_effort weighs them. #}
{% macro counted_actions() -%}
-- Whoever has nobody to be measured by has no distance, and so nothing to do.
action_customers as (
    select
        customer_id,
        month,
        segment,
        size_class,
        benchmark_group,
        benchmark_customers,
        cost as db3,
        base as net_sales,
        benchmark as benchmark_dg3,
        worth as distance
    from {{ ref('int_driver_benchmarks') }}
    where driver = 'db3' and worth > 0
),

-- A term beyond the concept and the driver that it causes are one action.
beyond_concept as (
    select
        customer_id,
        case term
            when 'visits' then 'sales_effort'
            when 'minimum_order' then 'order_cost'
            when 'free_freight' then 'freight'
            when 'bonus' then 'bonus'
            when 'payment_days' then 'credit'
        end as driver,
        segment,
        term,
        concept_limit,
        agreed,
        given,
        coalesce(worth, 0) as worth
    from {{ ref('terms_beyond_concept') }}
),

actions as (
    select
        action_customers.*,
        drivers.driver,
        drivers.rate,
        case when drivers.rate is not null then drivers.benchmark end as benchmark,
        drivers.base,
        drivers.gap,
        terms.term,
        terms.concept_limit,
        terms.agreed,
        terms.given,
        greatest(coalesce(drivers.worth, 0), coalesce(terms.worth, 0)) as raw_worth
    from action_customers
    inner join {{ ref('int_driver_benchmarks') }} as drivers
        on action_customers.customer_id = drivers.customer_id and drivers.driver <> 'db3'
    left join beyond_concept as terms
        on drivers.customer_id = terms.customer_id and drivers.driver = terms.driver
),

-- In falling order of worth each counts at most what those before it have left of the distance.
added as (
    select
        *,
        coalesce(
            sum(raw_worth) over (
                partition by customer_id order by raw_worth desc nulls last, driver asc nulls last
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as worth_before
    from actions
    where raw_worth > 0
),

capped as (
    select
        *,
        cast(greatest(least(raw_worth, distance - worth_before), 0) as decimal(18, 4)) as worth
    from added
    -- What a customer gets beyond its concept is named also where nothing is left for it.
    where worth_before < distance or term is not null
)
{%- endmacro %}
