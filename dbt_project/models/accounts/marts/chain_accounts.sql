-- The account of each chain of customers, and of all customers who are in none: the sums of its customers' accounts,
-- and ratios of these sums. Whose chain a customer is in, customers says, as it is now, for all months.
{%- set count_types = {} %}
{%- for measure in count_measures() %}
{%- set is_whole = measure in ['order_count', 'line_count', 'return_line_count'] %}
{%- do count_types.update({measure: 'bigint' if is_whole else 'decimal(18, 4)'}) %}
{%- endfor %}

with summed as (
    select
        members.chain as chain_id,
        accounts.month,
        {{ each('sum(accounts.{}) as {}', ladder_measures() + count_measures(), ',\n        ') }}
    from {{ ref('customer_accounts') }} as accounts
    inner join {{ ref('int_customer_groups') }} as members
        on accounts.customer_id = members.customer_id
    -- Without chains there is no rest beside them.
    where members.chain is not null
    group by members.chain, accounts.month
)

select
    chain_id,
    month,
    {{ each('cast({} as decimal(18, 4)) as {}', ladder_measures()) }},
    {{ safe_ratio('db1', 'net_sales') }} as dg1,
    {{ safe_ratio('db2', 'net_sales') }} as dg2,
    {{ safe_ratio('db3', 'net_sales') }} as dg3,
    {{ each('cast({} as {value}) as {}', count_types) }}
from summed
