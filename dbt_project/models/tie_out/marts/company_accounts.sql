-- The account of the whole company per month: the customers' lines summed, then the costs that no customer carries,
-- down to the result of the ledger. The ledger's side, line by line, is in ledger_reconciliation.
{%- set customer_columns = ladder_measures() %}

with customers as (
    select
        {%- for column in customer_columns %}
        sum({{ column }}) as {{ column }},
        {%- endfor %}
        sum(sales_without_cost) as sales_without_cost,
        sum(returns_without_cost) as returns_without_cost,
        month
    from {{ ref('customer_accounts') }}
    group by month
),

booked as (
    select
        entries.month,
        sum(case when entries.line_code = 'K70' then entries.amount else 0 end) as segment_cost,
        sum(case when entries.line_code = 'K80' then entries.amount else 0 end) as unallocated,
        sum(-entries.amount) as ledger_result
    from {{ ref('int_ledger_entries_valued') }} as entries
    where entries.role_kind in ('line', 'pool')
    group by entries.month
),

pools as (
    select
        month,
        sum(segment_cost) as segment_cost,
        sum(unused) as unused_capacity,
        sum(unallocated) as unallocated,
        sum(rate_difference) as rate_difference
    from {{ ref('allocation_steps') }}
    group by month
),

-- What is in the customers' accounts but not in the ledger, or the other way, and why that is known. Credit cost has
-- a line of its own; its adjustments are in it. So has bonus that is accrued before the ledger books it: the accounts
-- are ahead of the ledger by it, and it is no cost that nobody could give out.
explained as (
    select
        month,
        sum(
            sign * (
                case when line_code = 'K57' then 0 else adjustment end
                + without_customer + timing - bonus_timing + exchange_difference + rounding
            )
        ) as amount,
        sum(-sign * bonus_timing) as bonus_timing
    from {{ ref('ledger_reconciliation') }}
    group by month
),

joined as (
    select
        months.month,
        {%- for column in customer_columns %}
        coalesce(customers.{{ column }}, 0) as {{ column }},
        {%- endfor %}
        coalesce(customers.sales_without_cost, 0) as sales_without_cost,
        coalesce(customers.returns_without_cost, 0) as returns_without_cost,
        coalesce(booked.segment_cost, 0) + coalesce(pools.segment_cost, 0) as segment_cost,
        coalesce(pools.unused_capacity, 0) as unused_capacity,
        coalesce(booked.unallocated, 0) + coalesce(pools.unallocated, 0) + coalesce(explained.amount, 0) as unallocated,
        coalesce(pools.rate_difference, 0) as rate_difference,
        coalesce(explained.amount, 0) as explained_differences,
        coalesce(explained.bonus_timing, 0) as bonus_timing,
        case
            when
                coverage.books_customer_lines
                and months.month >= coverage.first_month
                and months.month <= coverage.last_month
                then coalesce(booked.ledger_result, 0)
        end as ledger_result
    from {{ ref('months') }} as months
    cross join {{ ref('int_ledger_coverage') }} as coverage
    left join customers
        on months.month = customers.month
    left join booked
        on months.month = booked.month
    left join pools
        on months.month = pools.month
    left join explained
        on months.month = explained.month
)

select
    month,
    {%- for column in customer_columns %}
    cast({{ column }} as decimal(18, 4)) as {{ column }},
    {%- endfor %}
    cast(segment_cost as decimal(18, 4)) as segment_cost,
    cast(unused_capacity as decimal(18, 4)) as unused_capacity,
    cast(unallocated as decimal(18, 4)) as unallocated,
    cast(rate_difference as decimal(18, 4)) as rate_difference,
    cast(explained_differences as decimal(18, 4)) as explained_differences,
    cast(bonus_timing as decimal(18, 4)) as bonus_timing,
    cast(credit_cost as decimal(18, 4)) as credit_cost_put_back,
    cast(ledger_result as decimal(18, 4)) as ledger_result,
    cast(
        db3 - segment_cost - unused_capacity - unallocated - rate_difference + bonus_timing + credit_cost
        - ledger_result
        as decimal(18, 4)
    ) as difference,
    {{ safe_ratio('db1', 'net_sales') }} as dg1,
    {{ safe_ratio('db2', 'net_sales') }} as dg2,
    {{ safe_ratio('db3', 'net_sales') }} as dg3,
    cast(sales_without_cost as decimal(18, 4)) as sales_without_cost,
    {{ safe_ratio('sales_without_cost', 'invoiced_sales') }} as sales_without_cost_share,
    cast(returns_without_cost as decimal(18, 4)) as returns_without_cost
from joined
