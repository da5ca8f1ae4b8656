{# Fails for each customer, product and month whose amounts are not the sum of its postings. #}
{% macro postings__sum_to_product_accounts() -%}
with posted as (
    select
        customer_id,
        product_id,
        month,
        cast(sum(case when line_code = 'K00' then amount else 0 end) as decimal(18, 4)) as list_sales,
        cast(sum(case when line_code = 'K05' then amount else 0 end) as decimal(18, 4)) as invoice_discount,
        cast(sum(case when line_code = 'K15' then amount else 0 end) as decimal(18, 4)) as returns,
        cast(sum(case when line_code = 'K35' then amount else 0 end) as decimal(18, 4)) as cogs
    from {{ ref('postings') }}
    where feed = 'sales_lines' and line_code in ('K00', 'K05', 'K15', 'K35')
    group by customer_id, product_id, month
)

select
    coalesce(posted.customer_id, accounts.customer_id) as customer_id,
    coalesce(posted.product_id, accounts.product_id) as product_id,
    coalesce(posted.month, accounts.month) as month,
    posted.list_sales as list_sales_posted,
    accounts.list_sales,
    posted.invoice_discount as invoice_discount_posted,
    accounts.invoice_discount,
    posted.returns as returns_posted,
    accounts.returns,
    posted.cogs as cogs_posted,
    accounts.cogs
from posted
full join {{ ref('product_accounts') }} as accounts
    on
        posted.customer_id = accounts.customer_id
        and posted.product_id = accounts.product_id
        and posted.month = accounts.month
-- No posting and an amount of 0 mean the same.
where
    coalesce(posted.list_sales, 0) is distinct from coalesce(accounts.list_sales, 0)
    or coalesce(posted.invoice_discount, 0) is distinct from coalesce(accounts.invoice_discount, 0)
    or coalesce(posted.returns, 0) is distinct from coalesce(accounts.returns, 0)
    or coalesce(posted.cogs, 0) is distinct from coalesce(accounts.cogs, 0)
{%- endmacro %}
