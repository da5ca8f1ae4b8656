-- Fails for each customer cost that the valuation lost or repeated.
{{ config(meta={'dagster': {'ref': {'name': 'int_customer_costs_valued'}}}) }}

with valued as (
    select
        cost_no,
        count(*) as row_count,
        sum(amount) as amount
    from {{ ref('int_customer_costs_valued') }}
    group by cost_no
)

select
    coalesce(staged.cost_no, valued.cost_no) as cost_no,
    staged.amount as staged_amount,
    valued.amount as valued_amount,
    valued.row_count as valued_rows
from {{ ref('stg_customer_costs') }} as staged
full join valued
    on staged.cost_no = valued.cost_no
where staged.amount is distinct from valued.amount or valued.row_count is distinct from 1
