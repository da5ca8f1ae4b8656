-- Which spans of ownership each customer's month meets, in both views: by the posting date (in most months one span, in
-- the month of a hand-over several), and by today's owner, who has all months.
with spans as (
    select distinct
        customer_id,
        span_from,
        span_before
    from {{ ref('int_owner_spans') }}
),

as_of as (
    select last_day(max(month)) as today
    from {{ ref('time_windows') }}
),

met as (
    select
        'posting_date' as ownership,
        accounts.customer_id,
        accounts.month,
        spans.span_from,
        spans.span_before,
        count(*) over (partition by accounts.customer_id, accounts.month) as span_count
    from {{ ref('customer_accounts') }} as accounts
    inner join spans
        on
            accounts.customer_id = spans.customer_id
            and last_day(accounts.month) >= spans.span_from
            and accounts.month < spans.span_before
)

select
    ownership,
    customer_id,
    month,
    span_from,
    span_before,
    cast(span_count as bigint) as span_count
from met
union all
select
    'today' as ownership,
    accounts.customer_id,
    accounts.month,
    spans.span_from,
    spans.span_before,
    cast(1 as bigint) as span_count
from {{ ref('customer_accounts') }} as accounts
cross join as_of
inner join spans
    on
        accounts.customer_id = spans.customer_id
        and as_of.today >= spans.span_from
        and as_of.today < spans.span_before
