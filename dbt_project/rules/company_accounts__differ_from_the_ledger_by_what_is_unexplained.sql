{# Fails for each month in which DB III less what no customer carries is not the ledger's result, but for what
   the reconciliation lists as unexplained. #}
{% macro company_accounts__differ_from_the_ledger_by_what_is_unexplained() -%}
with ledger as (
    select
        entries.month,
        sum(-entries.amount) as result
    from {{ ref('int_ledger_entries_valued') }} as entries
    inner join {{ ref('stg_ledger_accounts') }} as accounts
        on entries.account_no = accounts.account_no
    where accounts.account_role not in ('outside', 'receivables') and entries.role_kind in ('line', 'pool')
    group by entries.month
),

unexplained as (
    select
        month,
        sum(sign * unexplained) as amount
    from {{ ref('ledger_reconciliation') }}
    group by month
)

select
    company.month,
    company.ledger_result,
    ledger.result as ledger_result_recomputed,
    company.difference,
    unexplained.amount as unexplained
from {{ ref('company_accounts') }} as company
left join ledger
    on company.month = ledger.month
left join unexplained
    on company.month = unexplained.month
where
    company.ledger_result is not null
    and (
        company.ledger_result is distinct from coalesce(ledger.result, 0)
        or company.difference is distinct from coalesce(unexplained.amount, 0)
        or company.difference is distinct from
        company.db3 - company.segment_cost - company.unused_capacity - company.unallocated
        - company.rate_difference
        + company.bonus_timing + company.credit_cost_put_back - company.ledger_result
    )
{%- endmacro %}
