-- The customer ledger against its control account, per month: what was invoiced, paid and written off must be what the
-- ledger's accounts with role receivables moved. The customers one by one are in receivables_roll_forward.
with coverage as (
    select
        first_month,
        last_month
    from {{ ref('int_ledger_coverage') }}
),

ledger as (
    select
        month,
        sum(amount) as ledger_movement
    from {{ ref('int_ledger_entries_valued') }}
    where role_kind = 'receivables'
    group by month
),

control_accounts as (
    select count(*) as account_count
    from {{ ref('stg_ledger_accounts') }}
    where account_role = 'receivables'
),

rolled as (
    select
        month,
        sum(invoiced) as invoiced,
        sum(paid) as paid
    from {{ ref('receivables_roll_forward') }}
    group by month
),

bad_debts as (
    {{ bad_debts_before_payment() }}
),

bad_debt_days as (
    select
        document_no,
        greatest(posting_date, invoice_date) as posting_date,
        amount,
        given_up > 0 as is_given_up,
        coalesce(lag(given_up) over (partition by document_no order by posting_date asc nulls last), 0) > 0
            as was_given_up
    from bad_debts
),

-- A document that is given up as lost leaves the control account with its VAT; the cost is the amount without it. It
-- comes back when its bad debts are taken back, or with the payment if it is paid all the same.
given_up as (
    select
        {{ period_of('posting_date') }} as month,
        case when is_given_up then amount else -amount end as amount
    from bad_debt_days
    where is_given_up <> was_given_up
    union all
    select
        {{ period_of('paid_date') }} as month,
        -amount as amount
    from {{ ref('int_receivables_resolved') }}
    where lost_on is not null and paid_date is not null
),

written_off as (
    select
        month,
        sum(amount) as written_off
    from given_up
    group by month
),

joined as (
    select
        months.month,
        coalesce(rolled.invoiced, 0) as invoiced,
        coalesce(rolled.paid, 0) as paid,
        coalesce(written_off.written_off, 0) as written_off,
        coalesce(ledger.ledger_movement, 0) as ledger_movement
    from {{ ref('months') }} as months
    cross join coverage
    cross join control_accounts
    left join rolled
        on months.month = rolled.month
    left join written_off
        on months.month = written_off.month
    left join ledger
        on months.month = ledger.month
    where
        control_accounts.account_count > 0
        and months.month >= coverage.first_month
        and months.month <= coverage.last_month
)

select
    month,
    cast(invoiced as decimal(18, 4)) as invoiced,
    cast(paid as decimal(18, 4)) as paid,
    cast(written_off as decimal(18, 4)) as written_off,
    cast(ledger_movement as decimal(18, 4)) as ledger_movement,
    cast(invoiced - paid - written_off - ledger_movement as decimal(18, 4)) as difference
from joined
