-- The customer ledger per customer and month: what was open, invoiced, paid and is open now. Bad debts stay open here
-- until the customer ledger itself says otherwise.
with movements as (
    select
        customer_id,
        {{ period_of('invoice_date') }} as month,
        amount as invoiced,
        0 as paid
    from {{ ref('int_receivables_resolved') }}
    union all
    select
        customer_id,
        {{ period_of('paid_date') }} as month,
        0 as invoiced,
        amount as paid
    from {{ ref('int_receivables_resolved') }}
    where paid_date is not null
),

summed as (
    select
        customer_id,
        month,
        sum(invoiced) as invoiced,
        sum(paid) as paid
    from movements
    group by customer_id, month
)

select
    customer_id,
    month,
    cast(
        sum(invoiced - paid) over (
            partition by customer_id
            order by month asc nulls last
            rows between unbounded preceding and current row
        ) - invoiced + paid as decimal(18, 4)
    ) as opening,
    cast(invoiced as decimal(18, 4)) as invoiced,
    cast(paid as decimal(18, 4)) as paid,
    cast(
        sum(invoiced - paid) over (
            partition by customer_id
            order by month asc nulls last
            rows between unbounded preceding and current row
        ) as decimal(18, 4)
    ) as closing
from summed
