-- The company's ladder in one row, for accounts that hold its lines side by side: which lines are used, and with which
-- sign each amount is in each subtotal. Order and use are decided in ladder, what a column is the sum of in
-- ladder_terms.
select
    {%- for column in ladder_measures() %}
    cast(
        max(case when terms.column_name = '{{ column }}' then 1 else 0 end) as bigint
    ) as {{ column }}__is_used,
    {%- endfor %}
    {%- for subtotal in ladder_subtotals() %}
    {%- for amount in ladder_amounts() %}
    cast(
        sum(
            case
                when terms.column_name = '{{ subtotal }}' and ladder.column_name = '{{ amount }}' then terms.sign
                else 0
            end
        ) as bigint
    ) as {{ subtotal }}__{{ amount }},
    {%- endfor %}
    {%- endfor %}
    cast(count(*) as bigint) as term_count
from {{ ref('ladder_terms') }} as terms
inner join {{ ref('ladder') }} as ladder
    on terms.line_code = ladder.line_code
