-- What every column of the account is the sum of: an amount line of itself, a subtotal of the amount lines above it.
select
    ladder.column_name,
    terms.line_code,
    cast(case when ladder.line_kind = 'amount' then 1 else terms.sign end as bigint) as sign
from {{ ref('ladder') }} as ladder
inner join {{ ref('ladder') }} as terms
    on
        terms.line_kind = 'amount'
        and terms.is_used
        and terms.level = 'customer'
        and (
            (ladder.line_kind = 'amount' and ladder.line_code = terms.line_code)
            or (ladder.line_kind = 'subtotal' and ladder.position > terms.position)
        )
where ladder.level = 'customer' and ladder.is_used
