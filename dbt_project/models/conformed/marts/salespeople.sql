-- Every salesperson that the company supplies, and always the one for what nobody owns. Where the feed is
-- not supplied, the ids on sales lines, activities and owners are the salespeople.
with supplied as (
    {{ supplied_feeds(['salespeople']) }}
),

carried_ids as (
    select salesperson_id from {{ ref('int_sales_documents') }}
    union distinct
    select {{ id_or_null('salesperson_id') }} as salesperson_id from {{ ref('stg_activities') }}
    union distinct
    select {{ id_or_null('salesperson_id') }} as salesperson_id from {{ ref('stg_customer_owners') }}
),

salesperson_ids as (
    select salesperson_id from {{ ref('stg_salespeople') }}
    union distinct
    select carried_ids.salesperson_id
    from carried_ids
    cross join supplied
    where supplied.salespeople_supplied = 0 and carried_ids.salesperson_id is not null
    union distinct
    select {{ unassigned_id() }} as salesperson_id
)

select
    salesperson_ids.salesperson_id,
    coalesce(salespeople.salesperson_name, salesperson_ids.salesperson_id) as salesperson_name,
    salespeople.team,
    salespeople.manager_id,
    salesperson_ids.salesperson_id = {{ unassigned_id() }} as is_unassigned
from salesperson_ids
left join {{ ref('stg_salespeople') }} as salespeople
    on salesperson_ids.salesperson_id = salespeople.salesperson_id
