{# Fails for each posting on a line that the account does not show: out of use, a subtotal, or unknown. #}
{% macro customer_account_lines__lines_out_of_use_carry_nothing() -%}
select
    postings.line_code,
    postings.customer_id,
    postings.month,
    postings.feed,
    postings.source_file,
    postings.source_sheet,
    postings.source_record,
    postings.amount
from {{ ref('postings') }} as postings
left join {{ ref('ladder') }} as ladder
    on
        postings.line_code = ladder.line_code
        and ladder.level = 'customer'
        and ladder.line_kind = 'amount'
        and ladder.is_used
-- Beside the two that are compared, the mart that would lack the amount.
left join {{ ref('customer_account_lines') }} as account_lines
    on
        postings.customer_id = account_lines.customer_id
        and postings.month = account_lines.month
        and postings.line_code = account_lines.line_code
where ladder.line_code is null or account_lines.line_code is null
{%- endmacro %}
