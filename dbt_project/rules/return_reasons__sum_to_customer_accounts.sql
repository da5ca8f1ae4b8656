{# Fails for each customer and month whose reasons do not add up to what the account has of returns, adjustments left
   out, and of lines that bring goods back. #}
{% macro return_reasons__sum_to_customer_accounts() -%}
with reasons as (
    select
        customer_id,
        month,
        sum(amount) as amount,
        sum(return_line_count) as return_line_count
    from {{ ref('return_reasons') }}
    group by customer_id, month
),

account_returns as (
    select
        customer_id,
        month,
        sum(amount - adjustment) as amount
    from {{ ref('customer_account_lines') }}
    where line_code = 'K15'
    group by customer_id, month
),

accounts as (
    select
        counts.customer_id,
        counts.month,
        coalesce(account_returns.amount, 0) as amount,
        counts.return_line_count
    from {{ ref('customer_accounts') }} as counts
    left join account_returns
        on counts.customer_id = account_returns.customer_id and counts.month = account_returns.month
)

select
    coalesce(reasons.customer_id, accounts.customer_id) as customer_id,
    coalesce(reasons.month, accounts.month) as month,
    reasons.amount as amount_of_reasons,
    accounts.amount,
    reasons.return_line_count as return_line_count_of_reasons,
    accounts.return_line_count
from reasons
full join accounts
    on reasons.customer_id = accounts.customer_id and reasons.month = accounts.month
where
    coalesce(reasons.amount, 0) is distinct from coalesce(accounts.amount, 0)
    or coalesce(reasons.return_line_count, 0) is distinct from coalesce(accounts.return_line_count, 0)
{%- endmacro %}
