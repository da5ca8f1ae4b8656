-- Each salesperson's part of each customer's amount lines, in both views of ownership. Subtotals follow from these in
-- the marts, so that a part of a result is the result of the parts.
with parts as (
    select
        spans.ownership,
        lines.customer_id,
        lines.month,
        spans.span_from,
        lines.line_code,
        lines.amount
    from {{ ref('customer_account_lines') }} as lines
    inner join {{ ref('ladder') }} as ladder
        on lines.line_code = ladder.line_code and ladder.line_kind = 'amount'
    inner join {{ ref('int_customer_month_spans') }} as spans
        on lines.customer_id = spans.customer_id and lines.month = spans.month and spans.span_count = 1
    where lines.amount <> 0
    union all
    -- In the month of a hand-over, each posting goes to the owner of its day.
    select
        spans.ownership,
        postings.customer_id,
        postings.month,
        spans.span_from,
        postings.line_code,
        cast(sum(postings.amount) as decimal(18, 4)) as amount
    from {{ ref('postings') }} as postings
    inner join {{ ref('int_customer_month_spans') }} as spans
        on
            postings.customer_id = spans.customer_id
            and postings.month = spans.month
            and postings.posting_date >= spans.span_from
            and postings.posting_date < spans.span_before
            and spans.span_count > 1
    group by spans.ownership, postings.customer_id, postings.month, spans.span_from, postings.line_code
),

owned as (
    select
        parts.ownership,
        owners.salesperson_id,
        parts.customer_id,
        parts.month,
        parts.line_code,
        {{ owner_part('parts.amount', 'owners') }} as amount
    from parts
    inner join {{ ref('int_owner_spans') }} as owners
        on parts.customer_id = owners.customer_id and parts.span_from = owners.span_from
)

select
    ownership,
    salesperson_id,
    customer_id,
    month,
    line_code,
    cast(sum(amount) as decimal(18, 4)) as amount
from owned
group by ownership, salesperson_id, customer_id, month, line_code
