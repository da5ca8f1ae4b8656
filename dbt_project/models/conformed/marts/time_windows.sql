-- The windows of time that figures are measured over, and what each is compared with. Months after the last posted one
-- hold plans only, so no window ends there.
with period as (
    select
        first_month,
        coalesce(last_posted_month, last_month) as last_month
    from {{ ref('int_account_period') }}
),

ends as (
    select
        months.month,
        period.first_month as accounts_from,
        company.fiscal_year_start,
        {{ months_between('months.month', 'period.last_month') }} <= company.analysis_months as is_within_horizon
    from {{ ref('months') }} as months
    cross join period
    cross join {{ ref('stg_company') }} as company
    where months.month <= period.last_month
),

nominal as (
    select
        month,
        'month' as time_window,
        month as nominal_first_month,
        {{ months_back()['month'] }} as months_back,
        accounts_from,
        is_within_horizon
    from ends
    union all
    select
        month,
        'quarter' as time_window,
        {{ add_months('month', '-2') }} as nominal_first_month,
        {{ months_back()['quarter'] }} as months_back,
        accounts_from,
        is_within_horizon
    from ends
    union all
    select
        month,
        'ytd' as time_window,
        {{ fiscal_year_floor('month', 'fiscal_year_start') }} as nominal_first_month,
        {{ months_back()['ytd'] }} as months_back,
        accounts_from,
        is_within_horizon
    from ends
    union all
    select
        month,
        'r12' as time_window,
        {{ add_months('month', '-11') }} as nominal_first_month,
        {{ months_back()['r12'] }} as months_back,
        accounts_from,
        is_within_horizon
    from ends
),

bounded as (
    select
        month,
        time_window,
        greatest(nominal_first_month, accounts_from) as first_month,
        nominal_first_month >= accounts_from as is_complete,
        {{ add_months('nominal_first_month', '-months_back') }} as compared_first_month,
        {{ add_months('month', '-months_back') }} as compared_last_month,
        accounts_from,
        is_within_horizon
    from nominal
)

select
    month,
    time_window,
    first_month,
    cast({{ months_between('first_month', 'month') }} as bigint) as month_count,
    is_complete,
    -- Days tell windows of the same months apart: of a fiscal calendar, one may have a week more than the other.
    cast({{ days_between(first_day_of('first_month'), last_day_of('month')) }} + 1 as bigint) as day_count,
    -- Compared only with a whole window: half a year against a year would be a fall.
    case when compared_first_month >= accounts_from then compared_first_month end as compared_first_month,
    case when compared_first_month >= accounts_from then compared_last_month end as compared_last_month,
    case
        when compared_first_month >= accounts_from
            then cast(
                {{ days_between(first_day_of('compared_first_month'), last_day_of('compared_last_month')) }} + 1
                as bigint
            )
    end as compared_day_count,
    -- Bridges take a window apart, product by product, so they are made for the company's analysis_months alone.
    coalesce(compared_first_month >= accounts_from and is_within_horizon, false) as is_bridged
from bounded
