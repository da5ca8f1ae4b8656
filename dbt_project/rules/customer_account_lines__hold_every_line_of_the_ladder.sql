{# Fails for each customer and month that lacks a line of the ladder in use, and for each one that only one of
   the two marts has. #}
{% macro customer_account_lines__hold_every_line_of_the_ladder() -%}
with expected as (
    select
        accounts.customer_id,
        accounts.month,
        ladder.line_code
    from {{ ref('customer_accounts') }} as accounts
    cross join {{ ref('ladder') }} as ladder
    where ladder.level = 'customer' and ladder.is_used
)

select
    coalesce(expected.customer_id, account_lines.customer_id) as customer_id,
    coalesce(expected.month, account_lines.month) as month,
    coalesce(expected.line_code, account_lines.line_code) as line_code
from expected
full join {{ ref('customer_account_lines') }} as account_lines
    on
        expected.customer_id = account_lines.customer_id
        and expected.month = account_lines.month
        and expected.line_code = account_lines.line_code
where expected.line_code is null or account_lines.line_code is null
{%- endmacro %}
