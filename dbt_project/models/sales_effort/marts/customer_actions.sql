-- The list that people act on: what to do at which customer and what it is worth, nothing twice, and together at most
-- what separates the customer from those whom it is measured by. Every rate beside its benchmark belongs in
-- driver_opportunities, every term beyond the concept in terms_beyond_concept.
{%- set advice = {
    'discount': ('Giv mindre rabat', 'Give less discount'),
    'returns': ('Få returvarerne ned', 'Bring returns down'),
    'bonus': ('Giv mindre bonus', 'Give less bonus'),
    'freight': ('Få fragten betalt', 'Have freight paid for'),
    'order_cost': ('Få færre og større ordrer', 'Get fewer and larger orders'),
    'sales_effort': ('Brug mindre sælgertid', 'Spend less sales time'),
    'credit': ('Afkort kredittiden', 'Shorten the credit time'),
} %}
{%- set drivers = cost_drivers() %}

with last_month as (
    select max(month) as month
    from {{ ref('time_windows') }}
),

as_of as (
    select windows.month_count
    from {{ ref('time_windows') }} as windows
    inner join last_month
        on windows.month = last_month.month
    where windows.time_window = 'r12'
),

company as (
    select currency from {{ ref('stg_company') }}
),

{{ counted_actions() }},

shared as (
    select
        capped.*,
        sum(capped.worth) over (partition by capped.customer_id) as customer_worth,
        as_of.month_count,
        company.currency,
        case capped.driver
            {%- for driver, cost, base in drivers %}
            when '{{ driver }}' then '{{ cost }}'
            {%- endfor %}
        end as cost_column
    from capped
    cross join as_of
    cross join company
),

worded as (
    select
        shared.*,
        case shared.driver
            {%- for driver, words in advice.items() %}
            when '{{ driver }}' then '{{ words[0] }}'
            {%- endfor %}
            else 'Få "' || lines.name_da || '" ned'
        end as advice_da,
        case shared.driver
            {%- for driver, words in advice.items() %}
            when '{{ driver }}' then '{{ words[1] }}'
            {%- endfor %}
            else 'Bring "' || lines.name_en || '" down'
        end as advice_en,
        case
            when shared.term is not null then {{ beyond_concept_text('shared', 'shared.currency', 'da') }}
        end as beyond_da,
        case
            when shared.term is not null then {{ beyond_concept_text('shared', 'shared.currency', 'en') }}
        end as beyond_en,
        case
            when shared.gap > 0
                then
                    {{ percent_text('shared.rate', 'da') }}
                    || case shared.driver when 'discount' then ' af listesalget' else ' af faktureret salg' end
                    || ' mod '
                    || {{ percent_text('shared.benchmark', 'da') }}
                    || case shared.benchmark_group
                        when 'size_class' then ' hos de gode kunder i størrelse ' || shared.size_class
                        when 'good_customers' then ' hos alle gode kunder'
                        else ' hos de andre kunder i ' || shared.segment
                    end || ' (' || cast(shared.benchmark_customers as string)
                    || {{ counted_word('shared.benchmark_customers', ' kunde', ' kunder') }} || ')'
        end as rate_da,
        case
            when shared.gap > 0
                then
                    {{ percent_text('shared.rate', 'en') }}
                    || case shared.driver when 'discount' then ' of list sales' else ' of invoiced sales' end
                    || ' against '
                    || {{ percent_text('shared.benchmark', 'en') }}
                    || case shared.benchmark_group
                        when 'size_class' then ' of the good customers of size ' || shared.size_class
                        when 'good_customers' then ' of all good customers'
                        else ' of the other customers of ' || shared.segment
                    end || ' (' || cast(shared.benchmark_customers as string)
                    || {{ counted_word('shared.benchmark_customers', ' customer', ' customers') }} || ')'
        end as rate_en,
        {%- for language in ['da', 'en'] %}
        {{ amount_text('shared.worth', 'shared.currency', language) }} as worth_{{ language }},
        {{ amount_text('shared.raw_worth', 'shared.currency', language) }} as raw_worth_{{ language }},
        {%- endfor %}
        cast(shared.month_count as string)
        || {{ counted_word('shared.month_count', ' måned', ' måneder') }} as span_da,
        cast(shared.month_count as string)
        || {{ counted_word('shared.month_count', ' month', ' months') }} as span_en
    from shared
    inner join {{ ref('ladder') }} as lines
        on shared.cost_column = lines.column_name
)

select
    customer_id,
    driver,
    month,
    segment,
    size_class,
    benchmark_group,
    benchmark_customers,
    rate,
    benchmark,
    base,
    cast(raw_worth as decimal(18, 4)) as raw_worth,
    worth,
    net_sales,
    db3,
    benchmark_dg3,
    distance,
    {{ safe_ratio('customer_worth', 'distance') }} as explained_share,
    term,
    -- What the customer gets beyond the concept comes first: it can be pointed at.
    advice_da || ': ' || coalesce(beyond_da || coalesce(' og ' || rate_da, ''), rate_da)
    || case
        when worth = 0
            then '; alene værd ' || raw_worth_da || ' på ' || span_da || ', men de større handlinger er hele afstanden'
        else
            '; værd ' || worth_da || ' på ' || span_da
            || case when worth < raw_worth then ', resten af afstanden' else '' end
    end || '.' as sentence_da,
    advice_en || ': ' || coalesce(beyond_en || coalesce(' and ' || rate_en, ''), rate_en)
    || case
        when worth = 0
            then
                '; worth ' || raw_worth_en || ' by itself in ' || span_en
                || ', but the larger actions are all of the distance'
        else
            '; worth ' || worth_en || ' in ' || span_en
            || case when worth < raw_worth then ', the rest of the distance' else '' end
    end || '.' as sentence_en,
    cast(
        row_number() over (order by worth desc nulls last, customer_id asc nulls last, driver asc nulls last) as bigint
    ) as action_rank
from worded
