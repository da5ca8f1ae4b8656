{# Fails for each level and reason that does not add up to the company. #}
{% macro return_reason_shares__levels_sum_to_the_company() -%}
with levels as (
    select
        scope_type,
        return_reason,
        sum(return_line_count) as return_line_count,
        sum(amount) as amount
    from {{ ref('return_reason_shares') }}
    group by scope_type, return_reason
),

company as (
    select
        return_reason,
        return_line_count,
        amount
    from levels
    where scope_type = 'company'
),

expected as (
    select
        scope_types.scope_type,
        company.return_reason,
        company.return_line_count,
        company.amount
    from (
        select 'segment' as scope_type
        union all
        select 'salesperson' as scope_type
        union all
        select 'customer' as scope_type
        union all
        select 'product' as scope_type
    ) as scope_types
    cross join company
)

select
    coalesce(expected.scope_type, levels.scope_type) as scope_type,
    coalesce(expected.return_reason, levels.return_reason) as return_reason,
    levels.amount,
    expected.amount as amount_of_company
from levels
full join expected
    on levels.scope_type = expected.scope_type and levels.return_reason = expected.return_reason
where
    levels.scope_type is distinct from 'company'
    and (
        coalesce(levels.amount, 0) is distinct from coalesce(expected.amount, 0)
        or coalesce(levels.return_line_count, 0) is distinct from coalesce(expected.return_line_count, 0)
    )
{%- endmacro %}
