-- On which line each line of the account meets the ledger. A ledger that books on a subtotal (net revenue only, say)
-- meets the account on the largest subtotal that it uses; lines below meet it one by one.
with booked_subtotals as (
    select max(ladder.position) as position
    from {{ ref('stg_ledger_accounts') }} as accounts
    inner join {{ ref('ladder') }} as ladder
        on accounts.account_role = ladder.line_code
    where ladder.is_ledger_role and ladder.line_kind = 'subtotal'
)

select
    ladder.line_code,
    ladder.column_name,
    case when ladder.position <= booked_subtotals.position then subtotals.line_code else ladder.line_code end
        as ledger_line_code,
    -- What a krone more on the ledger's line does to the result.
    case when ladder.position <= booked_subtotals.position then 1 when ladder.sign = 0 then 1 else ladder.sign end
        as ledger_line_sign,
    -- What a krone more on the line itself does to the amount of the ledger's line.
    case when ladder.position <= booked_subtotals.position and ladder.sign <> 0 then ladder.sign else 1 end
        as sign_on_ledger_line,
    ladder.line_kind
from {{ ref('ladder') }} as ladder
cross join booked_subtotals
left join {{ ref('ladder') }} as subtotals
    on booked_subtotals.position = subtotals.position
where ladder.level = 'customer' and ladder.is_ledger_role
