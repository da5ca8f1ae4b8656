-- The customer account as rows, one per line of the ladder. The ladder decides order and subtotals; what a
-- record is worth belongs in the intermediate models.
{%- set amount_columns = [
    'list_sales', 'invoice_discount', 'returns', 'bonus', 'cash_discount', 'cogs', 'freight', 'handling', 'other_direct',
] %}

with amounts as (
    {%- for column in amount_columns %}
    select
        customer_id,
        month,
        '{{ column }}' as column_name,
        {{ column }} as amount
    from {{ ref('int_customer_months') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

account_lines as (
    select
        customer_months.customer_id,
        customer_months.month,
        ladder.line_code,
        ladder.line_kind,
        ladder.position,
        coalesce(amounts.amount, 0) as amount,
        case
            when ladder.sign = 1 then coalesce(amounts.amount, 0)
            when ladder.sign = -1 then -coalesce(amounts.amount, 0)
            else 0
        end as effect_on_result
    from {{ ref('int_customer_months') }} as customer_months
    cross join {{ ref('ladder') }} as ladder
    left join amounts
        on
            customer_months.customer_id = amounts.customer_id
            and customer_months.month = amounts.month
            and ladder.column_name = amounts.column_name
),

summed as (
    select
        customer_id,
        month,
        line_code,
        line_kind,
        amount,
        sum(effect_on_result) over (
            partition by customer_id, month
            order by position asc nulls last
            rows between unbounded preceding and current row
        ) as result_so_far
    from account_lines
)

select
    customer_id,
    month,
    line_code,
    cast(case when line_kind = 'subtotal' then result_so_far else amount end as decimal(18, 4)) as amount
from summed
