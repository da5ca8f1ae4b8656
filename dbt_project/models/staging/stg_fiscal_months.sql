-- The fiscal calendar as one row of lists, which the macros of fiscal_calendar.sql look days and months up in: a join
-- would cost every sales line one. All is NULL for a company whose periods are the months. That a calendar can be
-- followed is checked at the door.
{{ config(materialized='table') }}

with firsts as (
    select
        fiscal_year,
        {{ month_floor(
            'first_day + cast(' ~ bigint_div(days_between('first_day', 'last_day'), '2') ~ ' as int)'
        ) }} as month
    from {{ source('raw', 'fiscal_calendar') }}
    where period_no = 1
),

-- A year's first period stands for the month in which its middle day lies, and each further one for the next month.
fiscal_periods as (
    select
        {{ add_months('firsts.month', 'supplied.period_no - 1') }} as month,
        supplied.fiscal_year,
        supplied.first_day,
        supplied.last_day
    from {{ source('raw', 'fiscal_calendar') }} as supplied
    inner join firsts
        on supplied.fiscal_year = firsts.fiscal_year
),

bounds as (
    select
        min(first_day) as first_day,
        max(last_day) as last_day,
        min(month) as first_month,
        max(month) as last_month,
        {{ add_months('min(month)', '-1') }} as month_before,
        {{ add_months('max(month)', '1') }} as month_after
    from fiscal_periods
    having count(*) > 0
),

-- Days outside of the calendar belong to months outside of it, also where these reach into its days.
reach as (
    select
        {{ month_floor('least(first_day, first_month)') }} as listed_from,
        {{ month_floor('greatest(last_day, last_month)') }} as listed_to
    from bounds
),

all_days as (
    {{ day_series('reach', 'listed_from', 'listed_to') }}
),

dated as (
    select
        all_days.day,
        coalesce(
            fiscal_periods.month,
            case
                when all_days.day < bounds.first_day then least({{ month_floor('all_days.day') }}, bounds.month_before)
                else greatest({{ month_floor('all_days.day') }}, bounds.month_after)
            end
        ) as month
    from all_days
    cross join bounds
    left join fiscal_periods
        on all_days.day >= fiscal_periods.first_day and all_days.day <= fiscal_periods.last_day
),

days as (
    select
        min(day) as listed_from,
        {{ ordered_list('month', 'day') }} as months
    from dated
),

edged as (
    select
        month,
        fiscal_year,
        first_day,
        last_day
    from fiscal_periods
    union all
    select
        month_before as month,
        cast(null as bigint) as fiscal_year,
        least(month_before, first_day - 1) as first_day,
        first_day - 1 as last_day
    from bounds
    union all
    select
        month_after as month,
        cast(null as bigint) as fiscal_year,
        last_day + 1 as first_day,
        greatest(last_day(month_after), last_day + 1) as last_day
    from bounds
),

periods as (
    select
        min(month) as listed_from_month,
        {{ ordered_list('fiscal_year', 'month') }} as fiscal_years,
        {{ ordered_list('first_day', 'month') }} as first_days,
        {{ ordered_list('last_day', 'month') }} as last_days
    from edged
)

select
    days.listed_from,
    days.months,
    periods.listed_from_month,
    periods.fiscal_years,
    periods.first_days,
    periods.last_days
from days
cross join periods
