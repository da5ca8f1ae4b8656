-- The form of the customer account in force: the standard, with what the company changes of it. Which amounts a
-- line holds is decided in the intermediate models.
select
    standard.line_code,
    cast(coalesce(own.position, standard.position) as bigint) as position,
    standard.column_name,
    standard.line_kind,
    cast(standard.sign as bigint) as sign,
    standard.level,
    standard.is_ledger_role,
    coalesce(own.is_used, true) as is_used,
    coalesce(own.name_da, standard.name_da) as name_da,
    coalesce(own.name_en, standard.name_en) as name_en
from {{ ref('default_ladder') }} as standard
left join {{ ref('stg_ladder_lines') }} as own
    on standard.line_code = own.line_code
