-- Manual adjustments summed to the lines of the account, one row per customer and month. They are added to what the
-- records come to in customer_accounts.
with signs as (
    {{ ladder_signs() }}
),

amounts as (
    select
        adjustments.customer_id,
        adjustments.month,
        {{ each(
            "sum(case when ladder.column_name = '{}' and ladder.is_used then adjustments.amount else 0 end) as {}",
            ladder_amounts(),
        ) }}
    from {{ ref('int_adjustments_valued') }} as adjustments
    inner join {{ ref('ladder') }} as ladder
        on adjustments.line_code = ladder.line_code
    group by adjustments.customer_id, adjustments.month
),

summed as (
    select
        amounts.*,
        {{ ladder_sums('amounts', 'signs') }}
    from amounts
    cross join signs
)

select
    customer_id,
    month,
    {{ each('cast({} as decimal(18, 4)) as {}', ladder_measures()) }}
from summed
