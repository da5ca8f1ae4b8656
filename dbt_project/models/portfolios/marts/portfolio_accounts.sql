-- Each salesperson's part of each customer's account, by who owned the customer on the posting date. A month without a
-- hand-over is split whole, one with a hand-over by what falls in each span of ownership.
{%- set measures = ladder_amounts() + count_measures() %}

with spans as (
    select distinct
        customer_id,
        span_from,
        span_before
    from {{ ref('int_owner_spans') }}
),

met as (
    select
        accounts.customer_id,
        accounts.month,
        spans.span_from,
        {{ days_between(
            'greatest(spans.span_from, ' ~ first_day_of('accounts.month') ~ ')',
            'least(spans.span_before, ' ~ last_day_of('accounts.month') ~ ' + 1)'
        ) }} as days,
        count(*) over (partition by accounts.customer_id, accounts.month) as span_count
    from {{ ref('customer_accounts') }} as accounts
    inner join spans
        on
            accounts.customer_id = spans.customer_id
            and {{ last_day_of('accounts.month') }} >= spans.span_from
            and {{ first_day_of('accounts.month') }} < spans.span_before
),

parts as (
    select
        met.customer_id,
        met.month,
        met.span_from,
        {%- for measure in measures %}
        cast(
            case when met.span_count = 1 then accounts.{{ measure }} else coalesce(hand_overs.{{ measure }}, 0) end
            as decimal(18, 4)
        ) as {{ measure }},
        {%- endfor %}
        met.days
    from met
    inner join {{ ref('customer_accounts') }} as accounts
        on met.customer_id = accounts.customer_id and met.month = accounts.month
    left join {{ ref('int_hand_over_spans') }} as hand_overs
        on
            met.customer_id = hand_overs.customer_id
            and met.month = hand_overs.month
            and met.span_from = hand_overs.span_from
),

{{ parts_of_owners('parts') }}
