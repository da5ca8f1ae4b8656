-- Every month of which a file of a source is expected, up to the last posted month, and what has come.
with received as (
    select
        feed,
        source,
        month,
        count(*) as file_count,
        sum(record_count) as record_count
    from {{ ref('stg_file_months') }}
    group by feed, source, month
)

select
    expected.feed,
    expected.source,
    months.month,
    cast(coalesce(received.file_count, 0) as bigint) as file_count,
    cast(coalesce(received.record_count, 0) as bigint) as record_count,
    received.file_count is null as is_missing
from {{ ref('stg_expected_files') }} as expected
cross join {{ ref('int_account_period') }} as period
inner join {{ ref('months') }} as months
    on expected.first_month <= months.month and period.last_posted_month >= months.month
left join received
    on expected.feed = received.feed and expected.source = received.source and months.month = received.month
