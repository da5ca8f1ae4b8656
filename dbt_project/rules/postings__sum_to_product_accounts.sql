{# Fails for each customer, product and month whose amounts are not the sum of its postings. No posting and an amount of
   0 mean the same, so what is posted less what the account says must come to 0. #}
{% macro postings__sum_to_product_accounts() -%}
{%- set columns = {'list_sales': 'K00', 'invoice_discount': 'K05', 'returns': 'K15', 'cogs': 'K35'} %}

with amounts as (
    select
        customer_id,
        product_id,
        month,
        {{ each("case when line_code = '{value}' then amount else 0 end as {}", columns) }}
    from {{ ref('postings') }}
    where feed = 'sales_lines' and line_code in ({{ quoted(columns.values()) }})
    union all
    select
        customer_id,
        product_id,
        month,
        {{ each('-{} as {}', columns) }}
    from {{ ref('product_accounts') }}
)

select
    customer_id,
    product_id,
    month,
    {{ each('sum({}) as {}_apart', columns) }}
from amounts
group by customer_id, product_id, month
having {{ each('sum({}) is distinct from 0', columns, ' or ') }}
{%- endmacro %}
