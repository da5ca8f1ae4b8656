{# Per closed month, customer and line: what was closed plus the restatements is what the account shows now, to
   the øre. #}
{% macro restatements__explain_the_difference_to_the_closed_figures() -%}
with parts as (
    select
        month,
        customer_id,
        line_code,
        amount as explained,
        0 as shown
    from {{ ref('closed_sources') }}
    union all
    select
        month,
        customer_id,
        line_code,
        difference as explained,
        0 as shown
    from {{ ref('restatements') }}
    union all
    select
        lines.month,
        lines.customer_id,
        lines.line_code,
        0 as explained,
        lines.amount as shown
    from {{ ref('customer_account_lines') }} as lines
    inner join {{ ref('period_closes') }} as closes
        on lines.month = closes.month
    inner join {{ ref('ladder') }} as ladder
        on lines.line_code = ladder.line_code
    where closes.is_in_force and closes.event = 'close' and ladder.line_kind = 'amount'
)

select
    month,
    customer_id,
    line_code,
    sum(explained) as explained,
    sum(shown) as shown
from parts
group by month, customer_id, line_code
having sum(explained) is distinct from sum(shown)
{%- endmacro %}
