-- The customer accounts against the ledger, per month and line, and what explains each difference. The customers'
-- lines are those of customer_account_lines; the parts of a difference always add up to it.
with tied_lines as (
    select distinct
        ledger_line_code as line_code,
        ledger_line_sign as sign
    from {{ ref('int_ledger_lines') }}
    where line_kind = 'amount'
),

coverage as (
    select
        first_month,
        last_month,
        books_customer_lines
    from {{ ref('int_ledger_coverage') }}
),

account_totals as (
    select
        month,
        line_code,
        sum(amount) as amount,
        sum(adjustment) as adjustment
    from {{ ref('customer_account_lines') }}
    group by month, line_code
),

ledger_totals as (
    select
        entries.month,
        lines.ledger_line_code as line_code,
        sum(-entries.amount * lines.ledger_line_sign) as amount
    from {{ ref('int_ledger_entries_valued') }} as entries
    inner join {{ ref('int_ledger_lines') }} as lines
        on entries.line_code = lines.line_code
    where entries.role_kind = 'line'
    group by entries.month, lines.ledger_line_code
),

document_causes as (
    select
        month,
        ledger_line_code as line_code,
        sum(case when cause = 'timing' then difference else 0 end) as timing,
        sum(case when cause = 'exchange_difference' then difference else 0 end) as exchange_difference
    from {{ ref('int_ledger_document_differences') }}
    group by month, ledger_line_code
),

-- Bonus that the accounts accrue or release and a ledger without accruals does not have.
bonus_timing as (
    select
        bonus.month,
        lines.ledger_line_code as line_code,
        sum(bonus.accrued - bonus.released) * max(lines.sign_on_ledger_line) as amount
    from {{ ref('int_bonus_accruals') }} as bonus
    cross join {{ ref('int_ledger_lines') }} as lines
    where lines.column_name = 'bonus'
    group by bonus.month, lines.ledger_line_code
),

-- Lines whose costs the company books but supplies for no customer at all.
lines_with_customer_costs as (
    select distinct lines.line_code
    from {{ ref('int_customer_costs_valued') }} as costs
    inner join {{ ref('int_ledger_lines') }} as lines
        on costs.column_name = lines.column_name
    union distinct
    select distinct line_code
    from bonus_timing
),

lines_without_customers as (
    select lines.line_code
    from {{ ref('int_ledger_lines') }} as lines
    left join lines_with_customer_costs
        on lines.line_code = lines_with_customer_costs.line_code
    where
        lines.column_name in ({{ quoted(customer_cost_lines()) }})
        and lines.column_name <> 'cogs'
        and lines.line_code = lines.ledger_line_code
        and lines_with_customer_costs.line_code is null
),

customer_lines as (
    select
        months.month,
        tied_lines.line_code,
        tied_lines.sign,
        coalesce(account_totals.amount, 0) as account_amount,
        coalesce(ledger_totals.amount, 0) as ledger_amount,
        coalesce(account_totals.adjustment, 0) as adjustment,
        coalesce(document_causes.timing, 0) as document_timing,
        coalesce(document_causes.exchange_difference, 0) as exchange_difference,
        coalesce(bonus_timing.amount, 0) as bonus_timing,
        lines_without_customers.line_code is not null as is_without_customers,
        coalesce(account_totals.amount, 0) - coalesce(ledger_totals.amount, 0) - coalesce(account_totals.adjustment, 0)
        - coalesce(document_causes.timing, 0) - coalesce(document_causes.exchange_difference, 0) as rest
    from {{ ref('months') }} as months
    cross join tied_lines
    inner join coverage
        on
            months.month >= coverage.first_month
            and months.month <= coverage.last_month
            and coverage.books_customer_lines
    left join account_totals
        on months.month = account_totals.month and tied_lines.line_code = account_totals.line_code
    left join ledger_totals
        on months.month = ledger_totals.month and tied_lines.line_code = ledger_totals.line_code
    left join document_causes
        on months.month = document_causes.month and tied_lines.line_code = document_causes.line_code
    left join bonus_timing
        on months.month = bonus_timing.month and tied_lines.line_code = bonus_timing.line_code
    left join lines_without_customers
        on tied_lines.line_code = lines_without_customers.line_code
),

-- A ledger that accrues bonus itself leaves less unexplained without the accounts' accrual.
timed_lines as (
    select
        month,
        line_code,
        sign,
        account_amount,
        ledger_amount,
        adjustment,
        exchange_difference,
        is_without_customers,
        document_timing,
        rest,
        case
            when is_without_customers then 0
            when greatest(rest - bonus_timing, bonus_timing - rest) < greatest(rest, -rest) then bonus_timing
            else 0
        end as accrual_timing
    from customer_lines
),

-- Rounding explains a rest that is exactly it, and no other.
rounded_lines as (
    select
        timed_lines.month,
        timed_lines.line_code,
        timed_lines.sign,
        timed_lines.account_amount,
        timed_lines.ledger_amount,
        timed_lines.adjustment,
        timed_lines.exchange_difference,
        timed_lines.document_timing + timed_lines.accrual_timing as timing,
        timed_lines.accrual_timing as bonus_timing,
        case when timed_lines.is_without_customers then timed_lines.rest else 0 end as without_customer,
        case
            when timed_lines.is_without_customers then 0
            when
                {{ is_rounding_by('record', 'timed_lines.rest - timed_lines.accrual_timing', 'rounding') }}
                or {{ is_rounding_by('document', 'timed_lines.rest - timed_lines.accrual_timing', 'rounding') }}
                or {{ is_rounding_by('month', 'timed_lines.rest - timed_lines.accrual_timing', 'rounding') }}
                then timed_lines.rest - timed_lines.accrual_timing
            else 0
        end as rounding
    from timed_lines
    left join {{ ref('int_ledger_rounding') }} as rounding
        on timed_lines.month = rounding.month and timed_lines.line_code = rounding.ledger_line_code
),

pool_totals as (
    select
        month,
        line_code,
        sum(pool_cost) as pool_cost,
        sum(unused) as unused,
        sum(unallocated) as unallocated,
        sum(rate_difference) as rate_difference
    from {{ ref('allocation_steps') }}
    where line_code in ('K55', 'K56')
    group by month, line_code
),

computed_lines as (
    select
        coalesce(account_totals.month, pool_totals.month) as month,
        coalesce(account_totals.line_code, pool_totals.line_code) as line_code,
        coalesce(account_totals.amount, 0) as account_amount,
        coalesce(account_totals.adjustment, 0) as adjustment,
        coalesce(pool_totals.pool_cost, 0) as pool_cost,
        coalesce(pool_totals.unused, 0) as unused,
        coalesce(pool_totals.unallocated, 0) as unallocated,
        coalesce(pool_totals.rate_difference, 0) as rate_difference
    from account_totals
    full join pool_totals
        on account_totals.month = pool_totals.month and account_totals.line_code = pool_totals.line_code
    where coalesce(account_totals.line_code, pool_totals.line_code) in ('K55', 'K56', 'K57')
),

unmapped as (
    select
        month,
        sum(-amount) as amount
    from {{ ref('int_ledger_entries_valued') }}
    where role_kind = 'unmapped'
    group by month
),

undefined_pools as (
    select
        month,
        sum(pool_cost) as pool_cost
    from {{ ref('allocation_steps') }}
    where line_code is null
    group by month
),

parts as (
    select
        month,
        line_code,
        sign,
        account_amount,
        ledger_amount,
        adjustment,
        0 as notional,
        0 as unused_capacity,
        0 as unallocated,
        0 as rate_difference,
        without_customer,
        timing,
        bonus_timing,
        exchange_difference,
        rounding,
        0 as unmapped_account
    from rounded_lines
    union all
    select
        month,
        line_code,
        -1 as sign,
        account_amount,
        pool_cost as ledger_amount,
        adjustment,
        case when line_code = 'K57' then account_amount - adjustment else 0 end as notional,
        -unused as unused_capacity,
        -unallocated as unallocated,
        -rate_difference as rate_difference,
        0 as without_customer,
        0 as timing,
        0 as bonus_timing,
        0 as exchange_difference,
        0 as rounding,
        0 as unmapped_account
    from computed_lines
    union all
    select
        month,
        {{ unknown_id() }} as line_code,
        1 as sign,
        0 as account_amount,
        amount as ledger_amount,
        0 as adjustment,
        0 as notional,
        0 as unused_capacity,
        0 as unallocated,
        0 as rate_difference,
        0 as without_customer,
        0 as timing,
        0 as bonus_timing,
        0 as exchange_difference,
        0 as rounding,
        -amount as unmapped_account
    from unmapped
    union all
    select
        month,
        {{ unknown_id() }} as line_code,
        1 as sign,
        0 as account_amount,
        -pool_cost as ledger_amount,
        0 as adjustment,
        0 as notional,
        0 as unused_capacity,
        0 as unallocated,
        0 as rate_difference,
        0 as without_customer,
        0 as timing,
        0 as bonus_timing,
        0 as exchange_difference,
        0 as rounding,
        pool_cost as unmapped_account
    from undefined_pools
),

summed as (
    select
        month,
        line_code,
        max(sign) as sign,
        sum(account_amount) as account_amount,
        sum(ledger_amount) as ledger_amount,
        sum(adjustment) as adjustment,
        sum(notional) as notional,
        sum(unused_capacity) as unused_capacity,
        sum(unallocated) as unallocated,
        sum(rate_difference) as rate_difference,
        sum(without_customer) as without_customer,
        sum(timing) as timing,
        sum(bonus_timing) as bonus_timing,
        sum(exchange_difference) as exchange_difference,
        sum(rounding) as rounding,
        sum(unmapped_account) as unmapped_account,
        sum(account_amount - ledger_amount) as difference,
        sum(
            account_amount - ledger_amount - adjustment - notional - unused_capacity - unallocated - rate_difference
            - without_customer - timing - exchange_difference - rounding - unmapped_account
        ) as unexplained
    from parts
    group by month, line_code
)

select
    month,
    line_code,
    cast(sign as bigint) as sign,
    cast(account_amount as decimal(18, 4)) as account_amount,
    cast(ledger_amount as decimal(18, 4)) as ledger_amount,
    cast(difference as decimal(18, 4)) as difference,
    cast(adjustment as decimal(18, 4)) as adjustment,
    cast(notional as decimal(18, 4)) as notional,
    cast(unused_capacity as decimal(18, 4)) as unused_capacity,
    cast(unallocated as decimal(18, 4)) as unallocated,
    cast(rate_difference as decimal(18, 4)) as rate_difference,
    cast(without_customer as decimal(18, 4)) as without_customer,
    cast(timing as decimal(18, 4)) as timing,
    cast(bonus_timing as decimal(18, 4)) as bonus_timing,
    cast(exchange_difference as decimal(18, 4)) as exchange_difference,
    cast(rounding as decimal(18, 4)) as rounding,
    cast(unmapped_account as decimal(18, 4)) as unmapped_account,
    cast(unexplained as decimal(18, 4)) as unexplained,
    case
        when unexplained <> 0 then 'unexplained'
        when unmapped_account <> 0 then 'unmapped_account'
        when without_customer <> 0 then 'without_customer'
        when timing <> 0 then 'timing'
        when exchange_difference <> 0 then 'exchange_difference'
        when rounding <> 0 then 'rounding'
        when adjustment <> 0 then 'adjustment'
        when unallocated <> 0 then 'unallocated'
        when rate_difference <> 0 then 'rate_difference'
        when unused_capacity <> 0 then 'unused_capacity'
        when notional <> 0 then 'notional'
    end as cause
from summed
where account_amount <> 0 or ledger_amount <> 0
