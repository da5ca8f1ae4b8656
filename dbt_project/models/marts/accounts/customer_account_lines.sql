-- The customer account as rows, one per line of the ladder. The ladder decides order and subtotals, and manual
-- adjustments are added here; what a record is worth belongs in the intermediate models.
{%- set amount_columns = [
    'list_sales', 'invoice_discount', 'returns', 'bonus', 'cash_discount', 'cogs', 'freight', 'handling', 'other_direct',
    'order_cost', 'sales_effort_cost', 'credit_cost',
] %}

with adjustments as (
    select
        customer_id,
        month,
        line_code,
        sum(amount) as amount
    from {{ ref('int_adjustments_valued') }}
    group by customer_id, month, line_code
),

computed as (
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
    where ladder.level = 'customer' and ladder.is_used
),

amounts as (
    select
        computed.customer_id,
        computed.month,
        computed.line_code,
        computed.line_kind,
        computed.position,
        computed.sign,
        computed.amount + coalesce(adjustments.amount, 0) as amount,
        coalesce(adjustments.amount, 0) as adjustment
    from computed
    left join adjustments
        on
            computed.customer_id = adjustments.customer_id
            and computed.month = adjustments.month
            and computed.line_code = adjustments.line_code
),

summed as (
    select
        customer_id,
        month,
        line_code,
        line_kind,
        amount,
        adjustment,
        sum(case when sign = 1 then amount when sign = -1 then -amount else 0 end) over account_so_far as result_so_far,
        sum(case when sign = 1 then adjustment when sign = -1 then -adjustment else 0 end) over account_so_far
            as adjustment_so_far
    from amounts
    window account_so_far as (
        partition by customer_id, month
        order by position asc nulls last
        rows between unbounded preceding and current row
    )
)

select
    customer_id,
    month,
    line_code,
    cast(case when line_kind = 'subtotal' then result_so_far else amount end as decimal(18, 4)) as amount,
    cast(case when line_kind = 'subtotal' then adjustment_so_far else adjustment end as decimal(18, 4)) as adjustment
from summed
