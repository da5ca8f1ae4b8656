-- The calendar of the account: every month from the first to the last, without gaps. A fiscal year is named
-- by the calendar year in which it ends, or as the fiscal calendar names it.
{%- set names_da = [
    'januar', 'februar', 'marts', 'april', 'maj', 'juni',
    'juli', 'august', 'september', 'oktober', 'november', 'december',
] %}
{%- set names_en = [
    'January', 'February', 'March', 'April', 'May', 'June',
    'July', 'August', 'September', 'October', 'November', 'December',
] %}

with all_months as (
    {{ month_series(ref('int_account_period'), 'first_month', 'last_month') }}
),

parts as (
    select
        all_months.month,
        cast(extract(year from all_months.month) as bigint) as year,
        cast(extract(month from all_months.month) as bigint) as month_of_year,
        cast(extract(quarter from all_months.month) as bigint) as quarter,
        {{ first_day_of('all_months.month') }} as first_day,
        {{ last_day_of('all_months.month') }} as last_day,
        {{ named_fiscal_year('all_months.month') }} as fiscal_year,
        company.fiscal_year_start
    from all_months
    cross join {{ ref('stg_company') }} as company
)

select
    month,
    year,
    month_of_year,
    quarter,
    cast(
        coalesce(
            fiscal_year,
            case when fiscal_year_start > 1 and month_of_year >= fiscal_year_start then year + 1 else year end
        ) as bigint
    ) as fiscal_year,
    cast((month_of_year - fiscal_year_start + 12) % 12 + 1 as bigint) as fiscal_month,
    case month_of_year
        {%- for name in names_da %}
        when {{ loop.index }} then '{{ name }} '
        {%- endfor %}
    end || cast(year as string) as name_da,
    case month_of_year
        {%- for name in names_en %}
        when {{ loop.index }} then '{{ name }} '
        {%- endfor %}
    end || cast(year as string) as name_en,
    first_day,
    last_day,
    cast({{ days_between('first_day', 'last_day') }} + 1 as bigint) as days_in_month
from parts
