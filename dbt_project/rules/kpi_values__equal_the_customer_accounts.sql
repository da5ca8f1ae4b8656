{# Fails for each value of the company that is not what the formula gives, measure by measure, straight from the
   customer accounts of the window's months, and for each window without it. Of KPIs that the company uses, and that do
   not count customers: these are counted again by scope_windows__count_every_customer_once. #}
{% macro kpi_values__equal_the_customer_accounts() -%}
with amounts as (
    {%- for measure in account_measures() %}
    select
        month,
        cast(null as date) as previous_month,
        '{{ measure }}' as measure,
        sum({{ measure }}) as amount
    from {{ ref('customer_accounts') }}
    group by month
    union all
    {%- endfor %}
    -- Of an order of several months each window takes one.
    select
        month,
        previous_month,
        'order_count' as measure,
        -count(*) as amount
    from {{ ref('int_customer_orders') }}
    where previous_month is not null
    group by month, previous_month
),

sums as (
    select
        formulas.kpi_id,
        windows.month,
        windows.time_window,
        sum(
            case when formulas.part = 'numerator' then formulas.coefficient * coalesce(amounts.amount, 0) else 0 end
        ) as numerator,
        sum(
            case when formulas.part = 'denominator' then formulas.coefficient * coalesce(amounts.amount, 0) end
        ) as denominator
    from {{ ref('time_windows') }} as windows
    cross join {{ ref('kpi_formulas') }} as formulas
    inner join {{ ref('kpi_register') }} as register
        on formulas.kpi_id = register.kpi_id and register.is_in_use
    inner join {{ ref('kpi_terms') }} as terms
        on formulas.kpi_id = terms.kpi_id and terms.adds_up
    left join amounts
        on
            windows.first_month <= amounts.month
            and windows.month >= amounts.month
            and windows.first_month <= coalesce(amounts.previous_month, amounts.month)
            and formulas.measure = amounts.measure
    where windows.time_window in ('month', 'ytd', 'r12')
    group by formulas.kpi_id, windows.month, windows.time_window
),

company as (
    select
        kpis.kpi_id,
        kpis.month,
        kpis.time_window,
        kpis.numerator,
        kpis.denominator,
        kpis.value
    from {{ ref('kpi_values') }} as kpis
    inner join {{ ref('kpi_terms') }} as terms
        on kpis.kpi_id = terms.kpi_id
    where kpis.scope_type = 'company' and terms.adds_up
)

select
    coalesce(sums.kpi_id, company.kpi_id) as kpi_id,
    coalesce(sums.month, company.month) as month,
    coalesce(sums.time_window, company.time_window) as time_window,
    sums.numerator,
    company.numerator as numerator_in_kpi_values,
    sums.denominator,
    company.denominator as denominator_in_kpi_values,
    company.value
from sums
full join company
    on sums.kpi_id = company.kpi_id and sums.month = company.month and sums.time_window = company.time_window
where
    -- A window in which nothing was posted, nor in the one it is compared with, has no row.
    coalesce(sums.numerator, 0) is distinct from coalesce(company.numerator, 0)
    or (company.kpi_id is not null and sums.denominator is distinct from company.denominator)
    or (company.kpi_id is not null and sums.denominator is null and company.value is distinct from sums.numerator)
    or (sums.denominator > 0 and abs(company.value * sums.denominator - sums.numerator) > sums.denominator * 0.000001)
    or (sums.denominator > 0 and company.value is null)
{%- endmacro %}
