{# Fails for each amount of customer_accounts that is not the amount of that line in customer_account_lines. #}
{% macro customer_accounts__equal_customer_account_lines() -%}
with account_columns as (
    {%- for column in ladder_measures() %}
    select
        customer_id,
        month,
        '{{ column }}' as column_name,
        {{ column }} as amount
    from {{ ref('customer_accounts') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

account_lines as (
    select
        account_lines.customer_id,
        account_lines.month,
        ladder.column_name,
        account_lines.amount
    from {{ ref('customer_account_lines') }} as account_lines
    left join {{ ref('ladder') }} as ladder
        on account_lines.line_code = ladder.line_code
)

select
    coalesce(account_columns.customer_id, account_lines.customer_id) as customer_id,
    coalesce(account_columns.month, account_lines.month) as month,
    coalesce(account_columns.column_name, account_lines.column_name) as column_name,
    account_columns.amount as amount_in_accounts,
    account_lines.amount as amount_in_account_lines
from account_columns
full join account_lines
    on
        account_columns.customer_id = account_lines.customer_id
        and account_columns.month = account_lines.month
        and account_columns.column_name = account_lines.column_name
-- A line out of use has no row in customer_account_lines and 0 in customer_accounts.
where coalesce(account_columns.amount, 0) is distinct from coalesce(account_lines.amount, 0)
{%- endmacro %}
