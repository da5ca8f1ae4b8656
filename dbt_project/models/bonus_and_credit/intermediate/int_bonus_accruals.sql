-- Bonus month by month as the agreements earn it, and what a settlement uses up of it. What a settlement itself
-- amounts to is a customer cost, see int_customer_costs_valued: K20 = settled + accrued - released.
--
-- Sales count from the first month of the fiscal year (or of the agreement). Each month asks which tiers the whole
-- year would reach if it went on as so far, and accrues that share of the year's bonus: no jump at the end of the
-- year, and nothing that was not known in the month. A month whose outlook passes a tier catches up for those before.
with company as (
    select
        fiscal_year_start,
        cast(minor_unit * 10000 as bigint) as minor_unit_size
    from {{ ref('stg_company') }}
),

agreements as (
    select
        customer_id,
        valid_from,
        min(basis) as basis,
        min(tier_method) as tier_method,
        {{ first_month_held('valid_from') }} as first_month,
        {{ last_month_held('valid_from', "coalesce(min(valid_to), cast('9999-12-31' as date))") }} as named_last_month
    from {{ ref('stg_bonus_agreements') }}
    group by customer_id, valid_from
),

-- A newer agreement ends an older one, whatever the older one says.
bounded as (
    select
        customer_id,
        valid_from,
        basis,
        tier_method,
        first_month,
        least(
            named_last_month,
            coalesce(
                {{ add_months(
                    'lead(first_month) over (partition by customer_id order by valid_from asc nulls last)', -1
                ) }},
                named_last_month
            )
        ) as last_month
    from agreements
),

sales_months as (
    {{ month_series(ref('int_account_period'), 'first_month', 'last_sales_month') }}
),

bonus_months as (
    select
        bounded.customer_id,
        bounded.valid_from,
        bounded.basis,
        bounded.tier_method,
        months.month,
        greatest(
            {{ fiscal_year_floor('months.month', 'company.fiscal_year_start') }}, bounded.first_month
        ) as window_first,
        least(
            {{ add_months(fiscal_year_floor('months.month', 'company.fiscal_year_start'), 11) }}, bounded.last_month
        ) as window_last
    from bounded
    inner join sales_months as months
        on bounded.first_month <= months.month and bounded.last_month >= months.month
    cross join company
),

sold as (
    select
        bonus_months.customer_id,
        bonus_months.valid_from,
        bonus_months.tier_method,
        bonus_months.month,
        bonus_months.window_first,
        cast(
            {{ months_between('bonus_months.window_first', 'bonus_months.window_last') }} as decimal(4, 0)
        ) as months_in_window,
        cast(
            row_number() over (
                partition by bonus_months.customer_id, bonus_months.valid_from, bonus_months.window_first
                order by bonus_months.month asc nulls last
            ) as decimal(4, 0)
        ) as months_so_far,
        cast(
            sum(
                case bonus_months.basis
                    when 'list_sales' then coalesce(direct.list_sales, 0)
                    when 'invoiced_sales' then coalesce(direct.list_sales - direct.invoice_discount, 0)
                    when 'invoiced_sales_less_returns'
                        then coalesce(direct.list_sales - direct.invoice_discount - direct.returns, 0)
                    when 'net_sales'
                        then
                            coalesce(
                                direct.list_sales - direct.invoice_discount - direct.returns - direct.cash_discount, 0
                            )
                end
            ) over (
                partition by bonus_months.customer_id, bonus_months.valid_from, bonus_months.window_first
                order by bonus_months.month asc nulls last
                rows between unbounded preceding and current row
            ) as decimal(18, 4)
        ) as sales_so_far
    from bonus_months
    left join {{ ref('int_customer_direct_months') }} as direct
        on bonus_months.customer_id = direct.customer_id and bonus_months.month = direct.month
),

tiers as (
    select
        customer_id,
        valid_from,
        tier_from,
        rate,
        lead(tier_from) over (
            partition by customer_id, valid_from order by tier_from asc nulls last
        ) as next_tier_from
    from {{ ref('stg_bonus_agreements') }}
),

-- Sales and tiers are both multiplied up to the whole window, so that nothing is divided before the end.
expected as (
    select
        sold.customer_id,
        sold.valid_from,
        sold.tier_method,
        sold.month,
        sold.window_first,
        sold.months_in_window,
        tiers.rate,
        sold.sales_so_far * sold.months_in_window as year_sales,
        tiers.tier_from * sold.months_so_far as year_tier_from,
        tiers.next_tier_from * sold.months_so_far as year_next_tier_from
    from sold
    inner join tiers
        on sold.customer_id = tiers.customer_id and sold.valid_from = tiers.valid_from
),

earning as (
    select
        customer_id,
        valid_from,
        month,
        window_first,
        months_in_window,
        rate,
        cast(
            case
                when year_sales < year_tier_from then 0
                when tier_method = 'marginal'
                    then least(year_sales, coalesce(year_next_tier_from, year_sales)) - year_tier_from
                when year_next_tier_from is null or year_sales < year_next_tier_from then year_sales
                else 0
            end as decimal(19, 4)
        ) as year_sales_in_tier
    from expected
),

earned as (
    select
        earning.customer_id,
        earning.valid_from,
        earning.month,
        earning.window_first,
        cast(
            {{ div_half_up(
                'cast(sum(' ~ exact_product('earning.year_sales_in_tier', 'earning.rate', 4, 8) ~ ') * 1000000000000 as decimal(38, 0))',
                'cast(max(earning.months_in_window) * max(company.minor_unit_size) * 100000000 as decimal(38, 0))'
            ) }} * max(company.minor_unit_size) * cast(0.0001 as decimal(5, 4)) as decimal(18, 4)
        ) as accrued_to_date
    from earning
    cross join company
    group by earning.customer_id, earning.valid_from, earning.month, earning.window_first
),

accruals as (
    select
        customer_id,
        valid_from,
        month,
        accrued_to_date - coalesce(
            lag(accrued_to_date) over (
                partition by customer_id, valid_from, window_first order by month asc nulls last
            ), 0
        ) as accrued
    from earned
),

-- A settlement settles a whole bonus year of its customer, under whatever agreements it was earned: the fiscal year it
-- names, else the one before it.
settled as (
    select
        costs.customer_id,
        costs.month,
        {{ fiscal_year_floor(
            'coalesce(costs.settles_month, ' ~ add_months(fiscal_year_floor('costs.month', 'company.fiscal_year_start'), -1) ~ ')',
            'company.fiscal_year_start'
        ) }} as bonus_year,
        costs.amount
    from {{ ref('int_customer_costs_valued') }} as costs
    cross join company
    where costs.cost_type = 'bonus'
),

settlement_months as (
    select
        customer_id,
        bonus_year,
        month,
        sum(sum(amount)) over (
            partition by customer_id, bonus_year
            order by month asc nulls last
            rows between unbounded preceding and current row
        ) as settled_to_date
    from settled
    group by customer_id, bonus_year, month
),

-- The last month of each year in which an agreement was in force; no row where there was none.
settlements as (
    select
        settlement_months.customer_id,
        settlement_months.bonus_year,
        settlement_months.month,
        settlement_months.settled_to_date,
        max(least({{ add_months('settlement_months.bonus_year', 11) }}, bounded.last_month)) as last_month
    from settlement_months
    inner join bounded
        on
            settlement_months.customer_id = bounded.customer_id
            and {{ add_months('settlement_months.bonus_year', 11) }} >= bounded.first_month
            and settlement_months.bonus_year <= bounded.last_month
    group by
        settlement_months.customer_id, settlement_months.bonus_year, settlement_months.month,
        settlement_months.settled_to_date
),

accrued_by_year as (
    select
        accruals.customer_id,
        {{ fiscal_year_floor('accruals.month', 'company.fiscal_year_start') }} as bonus_year,
        accruals.month,
        accruals.accrued
    from accruals
    cross join company
),

released_to_date as (
    select
        settlements.customer_id,
        settlements.bonus_year,
        settlements.month,
        case
            -- The year was over before the accounts begin: they accrued nothing, so its bonus is not theirs.
            when settlements.last_month < period.first_month then settlements.settled_to_date
            -- The first settlement after the year ends it: what is left of the accrual is the true-up.
            when settlements.month > settlements.last_month then coalesce(sum(accrued_by_year.accrued), 0)
            else least(settlements.settled_to_date, coalesce(sum(accrued_by_year.accrued), 0))
        end as released_to_date
    from settlements
    cross join {{ ref('int_account_period') }} as period
    left join accrued_by_year
        on
            settlements.customer_id = accrued_by_year.customer_id
            and settlements.bonus_year = accrued_by_year.bonus_year
            and settlements.month >= accrued_by_year.month
    group by
        settlements.customer_id, settlements.bonus_year, settlements.month, settlements.last_month,
        settlements.settled_to_date, period.first_month
),

releases as (
    select
        customer_id,
        bonus_year,
        month,
        released_to_date - coalesce(
            lag(released_to_date) over (partition by customer_id, bonus_year order by month asc nulls last), 0
        ) as released
    from released_to_date
),

movements as (
    select
        customer_id,
        bonus_year,
        month,
        accrued,
        0 as released
    from accrued_by_year
    union all
    select
        customer_id,
        bonus_year,
        month,
        0 as accrued,
        released
    from releases
)

select
    customer_id,
    bonus_year,
    month,
    cast(sum(accrued) as decimal(18, 4)) as accrued,
    cast(sum(released) as decimal(18, 4)) as released
from movements
group by customer_id, bonus_year, month
having sum(accrued) <> 0 or sum(released) <> 0
