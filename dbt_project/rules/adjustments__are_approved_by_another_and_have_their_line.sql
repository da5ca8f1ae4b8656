{# Fails for each adjustment without a reason, that its author approved, that is on no amount line in use of the
   customer account, or in no month of the accounts. #}
{% macro adjustments__are_approved_by_another_and_have_their_line() -%}
select
    adjustments.adjustment_no,
    adjustments.month,
    adjustments.line_code,
    adjustments.author,
    adjustments.approved_by
from {{ ref('adjustments') }} as adjustments
left join {{ ref('ladder') }} as ladder
    on adjustments.line_code = ladder.line_code
left join {{ ref('months') }} as months
    on adjustments.month = months.month
where
    not coalesce(ladder.level = 'customer' and ladder.line_kind = 'amount' and ladder.is_used, false)
    or months.month is null
    or coalesce(trim(adjustments.reason), '') = ''
    or coalesce(trim(adjustments.approved_by), '') = ''
    or lower(trim(adjustments.author)) is not distinct from lower(trim(adjustments.approved_by))
{%- endmacro %}
