-- The customer account as rows, one per line of the ladder. The ladder decides order and subtotals; what a
-- record is worth belongs in the intermediate models.
{%- set amount_columns = [
    'list_sales', 'invoice_discount', 'returns', 'bonus', 'cash_discount', 'cogs', 'freight', 'handling', 'other_direct',
] %}

with amounts as (
    select
        customer_months.customer_id,
        customer_months.month,
        ladder.line_code,
        ladder.line_kind,
        ladder.position,
        ladder.sign,
        case ladder.column_name
            {%- for column in amount_columns %}
            when '{{ column }}' then customer_months.{{ column }}
            {%- endfor %}
            else 0
        end as amount
    from {{ ref('int_customer_months') }} as customer_months
    cross join {{ ref('ladder') }} as ladder
),

summed as (
    select
        customer_id,
        month,
        line_code,
        line_kind,
        amount,
        sum(case when sign = 1 then amount when sign = -1 then -amount else 0 end) over (
            partition by customer_id, month
            order by position asc nulls last
            rows between unbounded preceding and current row
        ) as result_so_far
    from amounts
)

select
    customer_id,
    month,
    line_code,
    cast(case when line_kind = 'subtotal' then result_so_far else amount end as decimal(18, 4)) as amount
from summed
