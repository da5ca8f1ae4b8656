{# Fails for each month whose whale curve does not end at the DB III of the company account over the twelve
   months. #}
{% macro whale_curve__ends_at_the_companys_db3() -%}
with company as (
    select
        windows.month,
        sum(accounts.db3) as db3
    from {{ ref('time_windows') }} as windows
    inner join {{ ref('company_accounts') }} as accounts
        on windows.first_month <= accounts.month and windows.month >= accounts.month
    where windows.time_window = 'r12'
    group by windows.month
),

last_ranks as (
    select
        month,
        max(rank) as last_rank
    from {{ ref('whale_curve') }}
    group by month
),

ends as (
    select
        curve.month,
        curve.cumulative_db3
    from {{ ref('whale_curve') }} as curve
    inner join last_ranks
        on curve.month = last_ranks.month and curve.rank = last_ranks.last_rank
)

select
    coalesce(company.month, ends.month) as month,
    company.db3 as db3_of_the_company,
    ends.cumulative_db3 as end_of_the_curve
from company
full join ends
    on company.month = ends.month
-- A month with no customer account in the twelve months has no curve.
where company.month is null or company.db3 is distinct from coalesce(ends.cumulative_db3, 0)
{%- endmacro %}
