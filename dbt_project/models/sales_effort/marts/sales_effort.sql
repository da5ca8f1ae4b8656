-- Whom to visit first: each customer's visits against the plan of its segment, what the effort brings in, and the place
-- on the list of the salesperson who owns the customer. What a concept costs belongs in segment_service_concepts.
{%- set reasons = [
    'good_customer_behind', 'falling_behind', 'behind', 'loss_behind', 'on_plan', 'beyond_plan', 'no_plan',
] %}

-- One salesperson has the customer on the list: the one with the largest share on the last day of the month. What
-- nobody owns is a share too, but gives the customer to nobody only where there is no owner at all.
with owners as (
    select
        segments.customer_id,
        segments.month,
        owners.salesperson_id,
        row_number() over (
            partition by segments.customer_id, segments.month
            order by
                case when owners.salesperson_id = {{ unassigned_id() }} then 1 else 0 end asc nulls last,
                owners.share desc nulls last,
                owners.salesperson_id asc nulls last
        ) as place
    from {{ ref('customer_segments') }} as segments
    inner join {{ ref('int_owner_spans') }} as owners
        on
            segments.customer_id = owners.customer_id
            and {{ last_day_of('segments.month') }} >= owners.span_from
            and {{ last_day_of('segments.month') }} < owners.span_before
),

company as (
    select currency from {{ ref('stg_company') }}
),

figures as (
    select
        company.currency,
        segments.customer_id,
        segments.month,
        coalesce(owners.salesperson_id, {{ unassigned_id() }}) as salesperson_id,
        segments.segment,
        segments.is_good_customer,
        windows.month_count,
        {{ owed_visits('segments', 'windows', 'concepts') }} as planned_visits,
        coalesce(sums.visit_count, 0) as actual_visits,
        coalesce(sums.visit_minutes, 0) as visit_minutes,
        coalesce(sums.sales_effort_cost, 0) as sales_effort_cost,
        coalesce(sums.db3, 0) as db3,
        case when windows.compared_first_month is not null then coalesce(sums.compared_db3, 0) end as compared_db3
    from {{ ref('customer_segments') }} as segments
    cross join company
    inner join {{ ref('time_windows') }} as windows
        on segments.month = windows.month and windows.time_window = 'r12'
    left join owners
        on segments.customer_id = owners.customer_id and segments.month = owners.month and owners.place = 1
    left join {{ ref('int_service_concept_months') }} as concepts
        on segments.segment = concepts.segment and segments.month = concepts.month
    left join {{ ref('int_customer_windows') }} as sums
        on
            segments.customer_id = sums.customer_id
            and segments.month = sums.month
            and sums.time_window = 'r12'
),

-- The first reason that holds.
reasoned as (
    select
        currency,
        customer_id,
        month,
        salesperson_id,
        segment,
        is_good_customer,
        month_count,
        planned_visits,
        actual_visits,
        cast(greatest(planned_visits - actual_visits, 0) as decimal(18, 4)) as remaining_visits,
        cast(greatest(actual_visits - planned_visits, 0) as decimal(18, 4)) as visits_beyond_plan,
        visit_minutes,
        sales_effort_cost,
        db3,
        compared_db3,
        case
            when planned_visits is null then 'no_plan'
            when actual_visits > planned_visits then 'beyond_plan'
            when actual_visits = planned_visits then 'on_plan'
            when is_good_customer then 'good_customer_behind'
            when db3 < compared_db3 then 'falling_behind'
            when db3 > 0 then 'behind'
            else 'loss_behind'
        end as priority_reason
    from figures
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
        case when planned_visits is not null then remaining_visits end as remaining_visits,
        case when planned_visits is not null then visits_beyond_plan end as visits_beyond_plan,
        visit_minutes,
        sales_effort_cost,
        db3,
        compared_db3,
        priority_reason,
        cast(
            row_number() over (
                partition by salesperson_id, month
                order by
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
        {%- endfor %}
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
    cast(actual_visits as decimal(18, 4)) as actual_visits,
    remaining_visits,
    visits_beyond_plan,
    {{ div_round('visit_minutes', '60', 4) }} as visit_hours,
    cast(sales_effort_cost as decimal(18, 4)) as sales_effort_cost,
    cast(db3 as decimal(18, 4)) as db3,
    cast(compared_db3 as decimal(18, 4)) as compared_db3,
    case when visit_minutes > 0 then {{ div_round('db3 * 60', 'visit_minutes', 4) }} end as db3_per_visit_hour,
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
    || case priority_reason when 'loss_behind' then ' Talk about the terms before more visits.' else '' end as reason_en
from ranked
