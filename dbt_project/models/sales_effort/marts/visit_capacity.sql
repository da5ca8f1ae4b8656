-- Whether there is time for the visits that the service concepts owe: hours owed and made over twelve months beside the
-- hours there are, of each salesperson and of the company. Whom to visit first belongs in sales_effort.
with listed as (
    select
        salesperson_id,
        month,
        month_count,
        sum(case when planned_visits > 0 then 1 else 0 end) as customer_count,
        sum(coalesce(planned_visits, 0)) as planned_visits,
        sum(actual_visits) as actual_visits,
        sum(coalesce(remaining_visits, 0)) as remaining_visits,
        sum(planned_hours) as planned_hours,
        sum(visit_minutes + drive_minutes) as minutes,
        sum(remaining_hours) as remaining_hours
    from {{ ref('int_visit_plans') }}
    group by salesperson_id, month, month_count
),

-- Pools whose time equation counts visits: their practical capacity is the time there is for them.
visit_pools as (
    select distinct cost_pool_id
    from {{ ref('stg_activity_times') }}
    where {{ driver_name('activity_type') }} = 'visits'
),

pool_windows as (
    select
        windows.month,
        sum(pools.practical_capacity_minutes) as minutes
    from {{ ref('time_windows') }} as windows
    inner join {{ ref('int_pool_months') }} as pools
        on windows.first_month <= pools.month and windows.month >= pools.month
    inner join visit_pools
        on pools.cost_pool_id = visit_pools.cost_pool_id
    where windows.time_window = 'r12' and pools.method = 'capacity'
    group by windows.month
),

-- Salespeople who say how much time they have, have that; the others share equally what the pools have beside it.
own_time as (
    select
        listed.*,
        people.visit_capacity_minutes * listed.month_count as own_minutes,
        case when listed.customer_count > 0 and people.visit_capacity_minutes is null then 1 else 0 end as is_sharing
    from listed
    left join {{ ref('stg_salespeople') }} as people
        on listed.salesperson_id = people.salesperson_id
),

shared_time as (
    select
        month,
        sum(coalesce(own_minutes, 0)) as own_minutes,
        sum(is_sharing) as sharing_count
    from own_time
    where salesperson_id <> {{ unassigned_id() }}
    group by month
),

salespeople as (
    select
        'salesperson' as scope_type,
        own_time.salesperson_id as scope_id,
        own_time.month,
        own_time.month_count,
        own_time.customer_count,
        own_time.planned_visits,
        own_time.actual_visits,
        own_time.remaining_visits,
        own_time.planned_hours,
        own_time.minutes,
        own_time.remaining_hours,
        case
            when own_time.salesperson_id = {{ unassigned_id() }} then null
            when own_time.own_minutes is not null then own_time.own_minutes
            when own_time.is_sharing = 1
                then {{ div_round(
                    'greatest(pool_windows.minutes - shared_time.own_minutes, 0)', 'shared_time.sharing_count', 4
                ) }}
        end as available_minutes,
        case
            when own_time.salesperson_id = {{ unassigned_id() }} then null
            when own_time.own_minutes is not null then 'salesperson'
            when own_time.is_sharing = 1 and pool_windows.minutes is not null then 'cost_pools'
        end as capacity_source
    from own_time
    left join shared_time
        on own_time.month = shared_time.month
    left join pool_windows
        on own_time.month = pool_windows.month
),

-- The company has what its pools have; without such a pool what its salespeople have, if all of them say.
company as (
    select
        'company' as scope_type,
        'company' as scope_id,
        own_time.month,
        own_time.month_count,
        sum(own_time.customer_count) as customer_count,
        sum(own_time.planned_visits) as planned_visits,
        sum(own_time.actual_visits) as actual_visits,
        sum(own_time.remaining_visits) as remaining_visits,
        sum(own_time.planned_hours) as planned_hours,
        sum(own_time.minutes) as minutes,
        sum(own_time.remaining_hours) as remaining_hours,
        coalesce(
            max(pool_windows.minutes), max(case when shared_time.sharing_count = 0 then shared_time.own_minutes end)
        ) as available_minutes,
        case
            when max(pool_windows.minutes) is not null then 'cost_pools'
            when max(shared_time.sharing_count) = 0 and max(shared_time.own_minutes) > 0 then 'salesperson'
        end as capacity_source
    from own_time
    left join shared_time
        on own_time.month = shared_time.month
    left join pool_windows
        on own_time.month = pool_windows.month
    group by own_time.month, own_time.month_count
),

scopes as (
    select * from salespeople
    union all
    select * from company
),

hours as (
    select
        *,
        {{ div_round('minutes', '60', 4) }} as actual_hours,
        case
            when capacity_source is not null then {{ div_round('available_minutes', '60', 4) }}
        end as available_hours
    from scopes
),

judged as (
    select
        *,
        cast(
            case
                when planned_hours > available_hours then planned_hours - available_hours
                when planned_hours <= available_hours then 0
            end as decimal(18, 4)
        ) as hours_lacking,
        {{ safe_ratio('planned_hours', 'available_hours') }} as planned_share,
        planned_hours > available_hours as is_beyond_capacity
    from hours
),

worded as (
    select
        *,
        {%- for language in ['da', 'en'] %}
        {{ count_text('planned_visits', language) }} as planned_{{ language }},
        {%- endfor %}
        {{ counted_word('planned_visits', ' visit', ' visits') }} as visits_en,
        {{ whole_text('planned_hours', '.') }} as hours_da,
        {{ whole_text('planned_hours', ',') }} as hours_en,
        {{ whole_text('available_hours', '.') }} as available_da,
        {{ whole_text('available_hours', ',') }} as available_en,
        cast(month_count as string) || {{ counted_word('month_count', ' måned', ' måneder') }} as span_da,
        cast(month_count as string) || {{ counted_word('month_count', ' month', ' months') }} as span_en
    from judged
)

select
    scope_type,
    scope_id,
    month,
    cast(customer_count as bigint) as customer_count,
    cast(planned_visits as decimal(18, 4)) as planned_visits,
    cast(actual_visits as decimal(18, 4)) as actual_visits,
    cast(remaining_visits as decimal(18, 4)) as remaining_visits,
    cast(planned_hours as decimal(18, 4)) as planned_hours,
    actual_hours,
    cast(remaining_hours as decimal(18, 4)) as remaining_hours,
    available_hours,
    capacity_source,
    planned_share,
    hours_lacking,
    is_beyond_capacity,
    'Servicekoncepterne skylder '
    || case
        when planned_visits = 0 then 'ingen besøg på ' || span_da || '.'
        when planned_hours is null
            then planned_da || ' besøg på ' || span_da || '; hvor længe de varer, er ikke oplyst.'
        else
            planned_da || ' besøg på ' || hours_da || ' timer på ' || span_da
            || case
                when available_hours is null then '; hvor megen tid der er, er ikke oplyst.'
                when is_beyond_capacity
                    then ', men der er tid til ' || available_da || ' timer. Lov færre besøg, eller fordel kunderne om.'
                else '; der er tid til ' || available_da || ' timer.'
            end
    end as sentence_da,
    'The service concepts owe '
    || case
        when planned_visits = 0 then 'no visits in ' || span_en || '.'
        when planned_hours is null
            then planned_en || visits_en || ' in ' || span_en || '; how long they take, is not known.'
        else
            planned_en || visits_en || ' of ' || hours_en || ' hours in ' || span_en
            || case
                when available_hours is null then '; how much time there is, is not known.'
                when is_beyond_capacity
                    then
                        ', but there is time for ' || available_en
                        || ' hours. Promise fewer visits, or share the customers anew.'
                else '; there is time for ' || available_en || ' hours.'
            end
    end as sentence_en
from worded
