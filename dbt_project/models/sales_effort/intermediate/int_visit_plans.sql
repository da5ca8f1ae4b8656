-- Whose list each customer is on in each month, the visits and hours it is owed over twelve months beside those that
-- were made, and what its account has of the same months. Whom to visit first belongs in sales_effort.

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

-- A visit that was taken back is none.
visit_months as (
    select
        customer_id,
        month,
        max(case when quantity > 0 then activity_date end) as last_visit_date,
        sum(drive_minutes) as drive_minutes
    from {{ ref('int_visits') }}
    group by customer_id, month
),

last_visits as (
    select
        customer_id,
        month,
        last_visit_date,
        lead(month) over (partition by customer_id order by month asc nulls last) as next_month
    from visit_months
    where last_visit_date is not null
),

driven as (
    select
        visit_months.customer_id,
        windows.month,
        sum(visit_months.drive_minutes) as drive_minutes
    from {{ ref('time_windows') }} as windows
    inner join visit_months
        on windows.first_month <= visit_months.month and windows.month >= visit_months.month
    where windows.time_window = 'r12'
    group by visit_months.customer_id, windows.month
),

figures as (
    select
        segments.customer_id,
        segments.month,
        coalesce(owners.salesperson_id, {{ unassigned_id() }}) as salesperson_id,
        segments.segment,
        segments.is_good_customer,
        windows.month_count,
        {{ owed_visits('segments', 'windows', 'concepts') }} as planned_visits,
        coalesce(sums.visit_count, 0) as actual_visits,
        coalesce(sums.visit_minutes, 0) as visit_minutes,
        coalesce(driven.drive_minutes, 0) as drive_minutes,
        last_visits.last_visit_date,
        coalesce(sums.sales_effort_cost, 0) as sales_effort_cost,
        coalesce(sums.db3, 0) as db3,
        case when windows.compared_first_month is not null then coalesce(sums.compared_db3, 0) end as compared_db3
    from {{ ref('customer_segments') }} as segments
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
    left join driven
        on segments.customer_id = driven.customer_id and segments.month = driven.month
    left join last_visits
        on
            segments.customer_id = last_visits.customer_id
            and segments.month >= last_visits.month
            and (segments.month < last_visits.next_month or last_visits.next_month is null)
),

-- What a visit takes on average, of those who were visited at all.
company as (
    select
        month,
        sum(visit_minutes + drive_minutes) as minutes,
        sum(actual_visits) as actual_visits
    from figures
    where actual_visits > 0 and visit_minutes + drive_minutes > 0
    group by month
),

-- A customer's own visits tell best how long the next one takes; without any, those of all customers do.
timed as (
    select
        figures.*,
        case
            when figures.actual_visits > 0 and figures.visit_minutes + figures.drive_minutes > 0
                then {{ div_round('(figures.visit_minutes + figures.drive_minutes)', 'figures.actual_visits', 4) }}
            else {{ div_round('company.minutes', 'company.actual_visits', 4) }}
        end as minutes_per_visit
    from figures
    left join company
        on figures.month = company.month
)

select
    customer_id,
    month,
    salesperson_id,
    segment,
    is_good_customer,
    month_count,
    planned_visits,
    cast(actual_visits as decimal(18, 4)) as actual_visits,
    cast(case when planned_visits is not null then greatest(planned_visits - actual_visits, 0) end as decimal(18, 4))
        as remaining_visits,
    cast(case when planned_visits is not null then greatest(actual_visits - planned_visits, 0) end as decimal(18, 4))
        as visits_beyond_plan,
    cast(visit_minutes as decimal(18, 4)) as visit_minutes,
    cast(drive_minutes as decimal(18, 4)) as drive_minutes,
    minutes_per_visit,
    {{ div_round(exact_product('planned_visits', 'minutes_per_visit', 4, 4), '60', 4) }} as planned_hours,
    case
        when planned_visits is not null
            then {{ div_round(
                exact_product('greatest(planned_visits - actual_visits, 0)', 'minutes_per_visit', 4, 4), '60', 4
            ) }}
    end as remaining_hours,
    last_visit_date,
    cast({{ days_between('last_visit_date', last_day_of('month')) }} as bigint) as days_since_visit,
    cast(sales_effort_cost as decimal(18, 4)) as sales_effort_cost,
    cast(db3 as decimal(18, 4)) as db3,
    cast(compared_db3 as decimal(18, 4)) as compared_db3
from timed
