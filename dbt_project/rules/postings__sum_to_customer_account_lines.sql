{# Fails for each account line that is not the sum of its postings. A subtotal is summed here from the postings
   of every amount line above it, by the ladder, and not by the running sum that the mart uses. #}
{% macro postings__sum_to_customer_account_lines() -%}
with posted_lines as (
    select
        customer_id,
        month,
        line_code,
        sum(amount) as amount
    from {{ ref('postings') }}
    group by customer_id, month, line_code
),

contributions as (
    select
        posted_lines.customer_id,
        posted_lines.month,
        posted_lines.line_code,
        posted_lines.amount
    from posted_lines
    union all
    select
        posted_lines.customer_id,
        posted_lines.month,
        subtotals.line_code,
        case when amount_lines.sign = 1 then posted_lines.amount else -posted_lines.amount end as amount
    from posted_lines
    inner join {{ ref('ladder') }} as amount_lines
        on posted_lines.line_code = amount_lines.line_code
    inner join {{ ref('ladder') }} as subtotals
        on amount_lines.position < subtotals.position and subtotals.line_kind = 'subtotal'
    where subtotals.level = 'customer'
),

posted as (
    select
        customer_id,
        month,
        line_code,
        cast(sum(amount) as decimal(18, 4)) as amount
    from contributions
    group by customer_id, month, line_code
)

select
    coalesce(posted.customer_id, account_lines.customer_id) as customer_id,
    coalesce(posted.month, account_lines.month) as month,
    coalesce(posted.line_code, account_lines.line_code) as line_code,
    posted.amount as posted_amount,
    account_lines.amount as published_amount
from posted
full join {{ ref('customer_account_lines') }} as account_lines
    on
        posted.customer_id = account_lines.customer_id
        and posted.month = account_lines.month
        and posted.line_code = account_lines.line_code
-- No posting and an amount of 0 mean the same.
where coalesce(posted.amount, 0) is distinct from coalesce(account_lines.amount, 0)
{%- endmacro %}
