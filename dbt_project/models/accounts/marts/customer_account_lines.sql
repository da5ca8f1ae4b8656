-- The customer account as rows, one per line of the ladder that the company uses. Amounts are those of
-- customer_accounts; what of them is manual adjustment stands beside.
{{ config(materialized='view') }}

{%- for code, column, is_subtotal in ladder_lines() %}
select
    accounts.customer_id,
    accounts.month,
    '{{ code }}' as line_code,
    accounts.{{ column }} as amount,
    cast(coalesce(adjustments.{{ column }}, 0) as decimal(18, 4)) as adjustment
from {{ ref('customer_accounts') }} as accounts
inner join {{ ref('ladder') }} as ladder
    on ladder.line_code = '{{ code }}' and ladder.is_used
left join {{ ref('adjustment_months') }} as adjustments
    on accounts.customer_id = adjustments.customer_id and accounts.month = adjustments.month
{{ 'union all' if not loop.last }}
{%- endfor %}
