-- Every month of which a file of a source is expected, and what has come: up to the last month that any record of what
-- has happened shows. Activities and budgets show none, because they are planned ahead; payments and exchange rates can
-- be entered ahead, so they show the month after the last one of documents at most.
with documented as (
    select last_posted_month as month
    from {{ ref('int_account_period') }}
    union all
    select max(month) as month
    from {{ ref('int_sales_documents') }}
    union all
    select max({{ period_of('posting_date') }}) as month
    from {{ ref('stg_customer_costs') }}
    union all
    select max({{ period_of('invoice_date') }}) as month
    from {{ ref('stg_receivables') }}
    union all
    select {{ period_of('ledger_closed_to') }} as month
    from {{ ref('stg_company') }}
),

ahead as (
    select {{ period_of('paid_date') }} as month
    from {{ ref('stg_receivables') }}
    union all
    select {{ period_of('rate_date') }} as month
    from {{ ref('stg_exchange_rates') }}
),

month_after as (
    select {{ add_months('max(month)', 1) }} as month
    from documented
),

shown as (
    select month
    from documented
    union all
    select max(ahead.month) as month
    from ahead
    inner join month_after
        on ahead.month <= month_after.month
),

earliest as (
    select min(first_month) as month
    from {{ ref('stg_expected_files') }}
),

latest as (
    select max(month) as month
    from shown
),

period as (
    select
        earliest.month as first_month,
        latest.month as last_month
    from earliest
    inner join latest on earliest.month <= latest.month
),

all_months as (
    {{ month_series('period', 'first_month', 'last_month') }}
),

received as (
    select
        feed,
        source,
        month,
        count(distinct source_file) as file_count,
        sum(record_count) as record_count
    from (
        select
            feed,
            source,
            source_file,
            case when is_month then day else {{ period_of('day') }} end as month,
            record_count
        from {{ ref('stg_file_days') }}
    ) as dated
    group by feed, source, month
)

select
    expected.feed,
    expected.source,
    all_months.month,
    cast(coalesce(received.file_count, 0) as bigint) as file_count,
    cast(coalesce(received.record_count, 0) as bigint) as record_count,
    received.file_count is null as is_missing
from {{ ref('stg_expected_files') }} as expected
inner join all_months on expected.first_month <= all_months.month
left join received
    on
        expected.feed = received.feed
        and expected.source = received.source
        and all_months.month = received.month
