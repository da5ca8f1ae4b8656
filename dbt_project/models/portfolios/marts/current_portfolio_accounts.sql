-- Each salesperson's part of each customer's account of every month, by who owns the customer on the last day of the
-- accounts. What was theirs when it was posted belongs in portfolio_accounts.
{%- set measures = ladder_amounts() + count_measures() %}

with as_of as (
    select {{ last_day_of('max(month)') }} as today
    from {{ ref('time_windows') }}
),

spans as (
    select distinct
        owners.customer_id,
        owners.span_from
    from {{ ref('int_owner_spans') }} as owners
    inner join as_of
        on owners.span_from <= as_of.today and owners.span_before > as_of.today
),

parts as (
    select
        accounts.customer_id,
        accounts.month,
        spans.span_from,
        {{ days_between(first_day_of('accounts.month'), last_day_of('accounts.month')) }} + 1 as days,
        {{ each('cast(accounts.{} as decimal(18, 4)) as {}', measures) }}
    from {{ ref('customer_accounts') }} as accounts
    inner join spans
        on accounts.customer_id = spans.customer_id
),

{{ parts_of_owners('parts') }}
