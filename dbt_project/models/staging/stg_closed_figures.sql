-- The figures of salespeople and of the company in closed months, as that publication has them.
select
    publication,
    month,
    level,
    scope_id,
    measure,
    amount
from {{ source('raw', 'closed_figures') }}
