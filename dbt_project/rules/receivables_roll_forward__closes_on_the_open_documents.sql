{# Fails for each customer and month whose customer ledger does not roll forward, or does not close on the
   documents that are open. #}
{% macro receivables_roll_forward__closes_on_the_open_documents() -%}
with rolled as (
    select
        customer_id,
        month,
        opening,
        invoiced,
        paid,
        closing,
        lag(closing) over (partition by customer_id order by month asc nulls last) as closing_before
    from {{ ref('receivables_roll_forward') }}
),

-- What was open at each month's end, document by document, without the movements.
open_documents as (
    select
        rolled.customer_id,
        rolled.month,
        sum(
            case
                when receivables.paid_date is null or receivables.paid_date > {{ last_day_of('rolled.month') }}
                    then receivables.amount
                else 0
            end
        ) as amount,
        -- A payment on account before its invoice is money the customer has given.
        sum(case when receivables.invoice_date > {{ last_day_of('rolled.month') }} then receivables.amount else 0 end)
            as not_yet_invoiced,
        count(*) as row_count
    from rolled
    inner join {{ ref('int_receivables_resolved') }} as receivables
        on rolled.customer_id = receivables.customer_id
    group by rolled.customer_id, rolled.month
)

select
    rolled.customer_id,
    rolled.month,
    rolled.opening,
    rolled.invoiced,
    rolled.paid,
    rolled.closing,
    open_documents.amount - open_documents.not_yet_invoiced as open_amount
from rolled
left join open_documents
    on rolled.customer_id = open_documents.customer_id and rolled.month = open_documents.month
where
    rolled.closing is distinct from rolled.opening + rolled.invoiced - rolled.paid
    or rolled.opening is distinct from coalesce(rolled.closing_before, 0)
    or rolled.closing is distinct from open_documents.amount - open_documents.not_yet_invoiced
{%- endmacro %}
