-- Whom to visit first: each customer's visits against the plan of its segment, what is at stake there for each hour of
-- the plan, and the place on the list of the salesperson who owns the customer. Whether there is time for all of it
-- belongs in visit_capacity, what a concept costs in segment_service_concepts.
{%- set reasons = [
    'good_customer_behind', 'falling_behind', 'behind', 'loss_behind', 'on_plan', 'beyond_plan', 'no_plan',
] %}
{%- set owed = "'good_customer_behind', 'falling_behind', 'behind', 'loss_behind'" %}

with company as (
    select currency from {{ ref('stg_company') }}
),

last_month as (
    select max(month) as month
    from {{ ref('time_windows') }}
),

{{ counted_actions() }},

-- To spend less time at a customer is nothing to visit it for.
talked_about as (
    select
        customer_id,
        month,
        sum(worth) as worth
    from capped
    where driver <> 'sales_effort'
    group by customer_id, month
),

-- What is at stake: what the customer leaves, and what could be agreed with it. Actions are known of the last month.
weighed as (
    select
        plans.*,
        company.currency,
        case when plans.month = last_month.month then cast(coalesce(talked_about.worth, 0) as decimal(18, 4)) end
            as actions_worth,
        cast(greatest(plans.db3, 0) + coalesce(talked_about.worth, 0) as decimal(18, 4)) as at_stake
    from {{ ref('int_visit_plans') }} as plans
    cross join company
    cross join last_month
    left join talked_about
        on plans.customer_id = talked_about.customer_id and plans.month = talked_about.month
),

-- The first reason that holds.
reasoned as (
    select
        *,
        case when planned_hours > 0 then {{ div_round('at_stake', 'planned_hours', 4) }} end as at_stake_per_hour,
        case
            when planned_visits is null then 'no_plan'
            when actual_visits > planned_visits then 'beyond_plan'
            when actual_visits = planned_visits then 'on_plan'
            when is_good_customer then 'good_customer_behind'
            when db3 < compared_db3 then 'falling_behind'
            when db3 > 0 then 'behind'
            else 'loss_behind'
        end as priority_reason
    from weighed
),

ranked as (
    select
        customer_id,
        month,
        salesperson_id,
        segment,
        is_good_customer,
        planned_visits,
        actual_visits,
        remaining_visits,
        visits_beyond_plan,
        visit_minutes,
        drive_minutes,
        minutes_per_visit,
        planned_hours,
        remaining_hours,
        last_visit_date,
        days_since_visit,
        sales_effort_cost,
        db3,
        compared_db3,
        actions_worth,
        at_stake,
        at_stake_per_hour,
        priority_reason,
        cast(
            row_number() over (
                partition by salesperson_id, month
                order by
                    -- An hour goes where most is at stake for it; who is owed nothing follows by reason.
                    case when priority_reason in ({{ owed }}) then 0 else 1 end asc nulls last,
                    case when priority_reason in ({{ owed }}) then at_stake_per_hour end desc nulls last,
                    case when priority_reason in ({{ owed }}) then at_stake end desc nulls last,
                    case priority_reason
                        {%- for reason in reasons %}
                        when '{{ reason }}' then {{ loop.index }}
                        {%- endfor %}
                    end asc nulls last,
                    case when is_good_customer then 0 else 1 end asc nulls last,
                    db3 desc nulls last,
                    customer_id asc nulls last
            ) as bigint
        ) as priority_rank,
        -- What the sentences are put together from.
        case
            when segment = {{ unknown_id() }} then 'Den ukendte kunde'
            else case when is_good_customer then 'Den gode kunde (' else 'Kunden (' end || segment || ')'
        end as who_da,
        case
            when segment = {{ unknown_id() }} then 'The unknown customer'
            else case when is_good_customer then 'The good customer (' else 'The customer (' end || segment || ')'
        end as who_en,
        {%- for language in ['da', 'en'] %}
        {{ count_text('planned_visits', language) }} as planned_{{ language }},
        {{ count_text('actual_visits', language) }} as actual_{{ language }},
        {{ count_text('remaining_visits', language) }} as remaining_{{ language }},
        {{ amount_text('db3', 'currency', language) }} as db3_{{ language }},
        {{ amount_text('compared_db3', 'currency', language) }} as compared_db3_{{ language }},
        {{ amount_text('at_stake', 'currency', language) }} as at_stake_{{ language }},
        {{ amount_text('at_stake_per_hour', 'currency', language) }} as per_hour_{{ language }},
        {%- endfor %}
        cast(days_since_visit as string) || {{ counted_word('days_since_visit', ' dag', ' dage') }} as since_da,
        cast(days_since_visit as string) || {{ counted_word('days_since_visit', ' day', ' days') }} as since_en,
        {{ counted_word('actual_visits', ' visit', ' visits') }} as visits_en,
        ' på ' || cast(month_count as string) || {{ counted_word('month_count', ' måned', ' måneder') }} as span_da,
        ' in ' || cast(month_count as string) || {{ counted_word('month_count', ' month', ' months') }} as span_en
    from reasoned
)

select
    customer_id,
    month,
    salesperson_id,
    segment,
    is_good_customer,
    planned_visits,
    actual_visits,
    remaining_visits,
    visits_beyond_plan,
    last_visit_date,
    days_since_visit,
    {{ div_round('visit_minutes', '60', 4) }} as visit_hours,
    {{ div_round('drive_minutes', '60', 4) }} as drive_hours,
    minutes_per_visit,
    planned_hours,
    remaining_hours,
    sales_effort_cost,
    db3,
    compared_db3,
    case when visit_minutes > 0 then {{ div_round('db3 * 60', 'visit_minutes', 4) }} end as db3_per_visit_hour,
    actions_worth,
    at_stake,
    at_stake_per_hour,
    priority_rank,
    priority_reason,
    who_da
    || case
        when priority_reason in ('good_customer_behind', 'falling_behind', 'behind', 'loss_behind')
            then ' mangler ' || remaining_da || ' af ' || planned_da || ' planlagte besøg'
        when priority_reason = 'on_plan' and planned_visits = 0 then ' skal ikke besøges efter sit servicekoncept'
        when priority_reason = 'on_plan' then ' har fået ' || actual_da || ' af ' || planned_da || ' planlagte besøg'
        when priority_reason = 'beyond_plan'
            then ' har fået ' || actual_da || ' besøg mod ' || planned_da || ' planlagte'
        else ' har ingen besøgsplan'
    end
    || case priority_reason
        when 'falling_behind' then ', og DB III er faldet fra ' || compared_db3_da || ' til '
        when 'loss_behind' then ', men DB III er '
        when 'no_plan' then '; ' || actual_da || ' besøg og DB III '
        else '; DB III '
    end
    || db3_da || span_da || '.'
    || case
        when priority_reason in ({{ owed }})
            then
                ' På spil: ' || at_stake_da || coalesce(', ' || per_hour_da || ' pr. planlagt time', '') || '; '
                || coalesce('sidste besøg for ' || since_da || ' siden.', 'aldrig besøgt.')
        else ''
    end
    || case priority_reason when 'loss_behind' then ' Tal om vilkårene før flere besøg.' else '' end as reason_da,
    who_en
    || case
        when priority_reason in ('good_customer_behind', 'falling_behind', 'behind', 'loss_behind')
            then ' lacks ' || remaining_en || ' of ' || planned_en || ' planned visits'
        when priority_reason = 'on_plan' and planned_visits = 0 then ' is not to be visited by its service concept'
        when priority_reason = 'on_plan' then ' has had ' || actual_en || ' of ' || planned_en || ' planned visits'
        when priority_reason = 'beyond_plan'
            then ' has had ' || actual_en || visits_en || ' against ' || planned_en || ' planned'
        else ' has no plan of visits'
    end
    || case priority_reason
        when 'falling_behind' then ', and DB III has fallen from ' || compared_db3_en || ' to '
        when 'loss_behind' then ', but DB III is '
        when 'no_plan' then '; ' || actual_en || visits_en || ' and DB III '
        else '; DB III '
    end
    || db3_en || span_en || '.'
    || case
        when priority_reason in ({{ owed }})
            then
                ' At stake: ' || at_stake_en || coalesce(', ' || per_hour_en || ' per planned hour', '') || '; '
                || coalesce('last visit ' || since_en || ' ago.', 'never visited.')
        else ''
    end
    || case priority_reason when 'loss_behind' then ' Talk about the terms before more visits.' else '' end as reason_en
from ranked
