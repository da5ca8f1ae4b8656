{# Fails for each paid document whose months do not sum to amount x interest x days / days of the year, to the payment
   or to the day before it on which it was given up. Asked where the company's one rate applies throughout. #}
{% macro int_credit_costs__sum_to_the_whole_credit_time() -%}
with period as (
    select
        {{ first_day_of('first_month') }} as first_day,
        {{ last_day_of('last_posted_month') }} as last_day
    from {{ ref('int_account_period') }}
),

whole as (
    select
        receivables.document_no,
        {{ credit_cost(
            'receivables.amount',
            'company.credit_interest_rate',
            'cast(' ~ days_between('receivables.invoice_date', 'coalesce(receivables.lost_on, receivables.paid_date)') ~ ' as decimal(9, 0))',
            'cast(company.day_count as decimal(9, 0))',
        ) }} as amount
    from {{ ref('int_receivables_resolved') }} as receivables
    cross join {{ ref('stg_company') }} as company
    cross join period
    where
        receivables.invoice_date >= period.first_day
        and receivables.paid_date >= receivables.invoice_date
        and receivables.invoice_date <= period.last_day
),

monthly as (
    select
        document_no,
        sum(amount) as amount
    from {{ ref('int_credit_costs') }}
    group by document_no
),

standard as (
    select count(*) as line_count
    from {{ ref('ladder') }}
    where column_name = 'credit_cost' and is_used
),

own_terms as (
    select count(*) as term_count
    from {{ ref('stg_credit_terms') }}
)

select
    whole.document_no,
    whole.amount as whole_amount,
    monthly.amount as monthly_amount
from whole
cross join standard
cross join own_terms
left join monthly
    on whole.document_no = monthly.document_no
where
    standard.line_count = 1
    and own_terms.term_count = 0
    and coalesce(monthly.amount, 0) is distinct from whole.amount
{%- endmacro %}
