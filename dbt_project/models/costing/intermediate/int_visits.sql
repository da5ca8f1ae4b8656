-- Every customer visit with the minutes it took: as recorded, else as the time equations of the cost pools have it.
with times as (
    select
        applies_to,
        cost_pool_id,
        minutes_per_unit,
        valid_from,
        coalesce(
            lead(valid_from) over (
                partition by cost_pool_id, applies_to, activity_type order by valid_from asc nulls last
            ),
            cast('9999-12-31' as date)
        ) as valid_before
    from {{ ref('stg_activity_times') }}
    where {{ driver_name('activity_type') }} = 'visits'
),

visited as (
    select distinct
        customer_id,
        month
    from {{ ref('int_activities_resolved') }}
    where activity_type = 'sales_visit'
),

minutes_per_visit as (
    select
        visited.customer_id,
        visited.month,
        sum(times.minutes_per_unit) as minutes_per_unit
    from visited
    inner join {{ ref('int_customer_groups') }} as customers
        on visited.customer_id = customers.customer_id
    inner join times
        on
            {{ last_day_of('visited.month') }} >= times.valid_from
            and {{ last_day_of('visited.month') }} < times.valid_before
            and {{ is_in_group('times.applies_to', 'customers', 'visited.month') }}
    group by visited.customer_id, visited.month
)

select
    activities.source_file,
    activities.file_sha256,
    activities.source_sheet,
    activities.source_record,
    activities.customer_id,
    activities.month,
    activities.activity_date,
    activities.activity_no,
    cast(activities.quantity as decimal(18, 4)) as quantity,
    cast(
        coalesce(
            activities.minutes,
            {{ money(exact_product('activities.quantity', 'minutes_per_visit.minutes_per_unit', 6, 6)) }},
            0
        ) as decimal(18, 4)
    ) as minutes,
    cast(coalesce(activities.drive_minutes, 0) as decimal(18, 4)) as drive_minutes
from {{ ref('int_activities_resolved') }} as activities
left join minutes_per_visit
    on activities.customer_id = minutes_per_visit.customer_id and activities.month = minutes_per_visit.month
where activities.activity_type = 'sales_visit'
