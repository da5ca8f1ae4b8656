-- The bonus that agreements owe, per customer, bonus year and month: what was accrued, what settlements used up, and
-- what is still open. What a settlement itself costs is in the account (K20 = settled + accrued - released).
select
    customer_id,
    bonus_year,
    month,
    accrued,
    released,
    cast(
        sum(accrued - released) over (
            partition by customer_id, bonus_year
            order by month asc nulls last
            rows between unbounded preceding and current row
        ) as decimal(18, 4)
    ) as open_balance
from {{ ref('int_bonus_accruals') }}
