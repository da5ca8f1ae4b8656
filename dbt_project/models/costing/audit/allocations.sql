-- What each customer got of each cost pool in each month, and by which weight.
select
    receivers.cost_pool_id,
    receivers.month,
    receivers.customer_id,
    steps.line_code,
    case when steps.method = 'capacity' then 'minutes' else steps.driver end as driver,
    receivers.weight,
    receivers.amount
from {{ ref('int_pool_receivers') }} as receivers
inner join {{ ref('allocation_steps') }} as steps
    on receivers.cost_pool_id = steps.cost_pool_id and receivers.month = steps.month
where receivers.weight > 0
