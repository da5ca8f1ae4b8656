{# What is given up of the documents of the customer ledger, for the models that ask when and for how long. What its credit
   time costs belongs in int_credit_costs, what the control account does in receivables_reconciliation. #}

{# What the bad debts of each document had come to on each of their days before its payment, with the sign of a debt: a
   credit balance that is written off is a loss of it, too. A bad debt that is taken back before the payment was none; a
   recovery that is booked with the payment takes nothing back. #}
{% macro bad_debts_before_payment() -%}
with bad_debts as (
    select
        document_no,
        posting_date,
        sum(amount) as amount
    from {{ ref('int_customer_costs_valued') }}
    where cost_type = 'bad_debt' and document_no is not null
    group by document_no, posting_date
)

select
    receivables.document_no,
    receivables.invoice_date,
    receivables.amount,
    bad_debts.posting_date,
    sum(case when receivables.amount < 0 then -bad_debts.amount else bad_debts.amount end) over (
        partition by receivables.document_no
        order by bad_debts.posting_date asc nulls last
        rows between unbounded preceding and current row
    ) as given_up
from {{ ref('stg_receivables') }} as receivables
inner join bad_debts
    on receivables.document_no = bad_debts.document_no
where
    receivables.paid_date is null
    or greatest(bad_debts.posting_date, receivables.invoice_date) < receivables.paid_date
{%- endmacro %}
