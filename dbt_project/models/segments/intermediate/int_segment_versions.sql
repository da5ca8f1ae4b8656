-- Which version of the segment rules classed the customers of each window of time: as they are now, at the opening of
-- the fiscal year, and at the end of the window that is compared with. What a version says belongs in segment_rules.
with versions as (
    select distinct
        rule_version,
        valid_from,
        valid_before
    from {{ ref('segment_rules') }}
),

accounts_from as (
    select min(month) as month
    from {{ ref('customer_accounts') }}
),

-- Nobody was classed before there was an account.
ends as (
    select
        windows.month,
        windows.time_window,
        case
            when windows.compared_last_month >= accounts_from.month then windows.compared_last_month
        end as compared_last_month,
        case
            when {{ fiscal_year_floor('windows.month', 'company.fiscal_year_start') }} > accounts_from.month
                then {{ add_months(fiscal_year_floor('windows.month', 'company.fiscal_year_start'), '-1') }}
        end as opening_month
    from {{ ref('time_windows') }} as windows
    cross join {{ ref('stg_company') }} as company
    cross join accounts_from
),

found as (
    select
        ends.month,
        ends.time_window,
        ends.opening_month,
        versions.rule_version,
        opening.rule_version as opening_rule_version,
        compared.rule_version as compared_rule_version
    from ends
    inner join versions
        on
            {{ last_day_of('ends.month') }} >= versions.valid_from
            and {{ last_day_of('ends.month') }} < versions.valid_before
    left join versions as opening
        on
            {{ last_day_of('ends.opening_month') }} >= opening.valid_from
            and {{ last_day_of('ends.opening_month') }} < opening.valid_before
    left join versions as compared
        on
            {{ last_day_of('ends.compared_last_month') }} >= compared.valid_from
            and {{ last_day_of('ends.compared_last_month') }} < compared.valid_before
)

select
    month,
    time_window,
    opening_month,
    rule_version,
    opening_rule_version,
    compared_rule_version,
    rule_version <> compared_rule_version as is_rule_change,
    {{ either('rule_version <> compared_rule_version', 'rule_version <> opening_rule_version') }}
        as is_opening_rule_change
from found
