-- The customer account with one column per ladder line, its ratios and its counts. Amounts come from
-- customer_account_lines, so that the ladder is applied in one place.
{%- set ladder_columns = [
    'list_sales', 'invoice_discount', 'invoiced_sales', 'returns', 'bonus', 'cash_discount', 'net_sales', 'cogs',
    'db1', 'freight', 'handling', 'other_direct', 'db2', 'order_cost', 'sales_effort_cost', 'credit_cost', 'db3',
] %}

with account_columns as (
    select
        account_lines.customer_id,
        {%- for column in ladder_columns %}
        sum(case when ladder.column_name = '{{ column }}' then account_lines.amount else 0 end) as {{ column }},
        {%- endfor %}
        account_lines.month
    from {{ ref('customer_account_lines') }} as account_lines
    inner join {{ ref('ladder') }} as ladder
        on account_lines.line_code = ladder.line_code
    group by account_lines.customer_id, account_lines.month
)

select
    customer_months.customer_id,
    customer_months.month,
    {%- for column in ladder_columns %}
    cast(account_columns.{{ column }} as decimal(18, 4)) as {{ column }},
    {%- endfor %}
    {{ safe_ratio('account_columns.db1', 'account_columns.net_sales') }} as dg1,
    {{ safe_ratio('account_columns.db2', 'account_columns.net_sales') }} as dg2,
    {{ safe_ratio('account_columns.db3', 'account_columns.net_sales') }} as dg3,
    customer_months.order_count,
    customer_months.line_count,
    customer_months.return_line_count,
    customer_months.visit_count,
    customer_months.visit_minutes,
    customer_months.freight_charged,
    customer_months.sales_without_cost
from {{ ref('int_customer_months') }} as customer_months
inner join account_columns
    on
        customer_months.customer_id = account_columns.customer_id
        and customer_months.month = account_columns.month
