-- What each customer got of each cost pool in each month, and by which weight. Which part of a pool is given out at
-- all is decided in allocation_steps.
with receivers as (
    select
        receivers.cost_pool_id,
        receivers.month,
        receivers.customer_id,
        receivers.weight,
        steps.given_units
    from {{ ref('int_pool_receivers') }} as receivers
    inner join {{ ref('allocation_steps') }} as steps
        on receivers.cost_pool_id = steps.cost_pool_id and receivers.month = steps.month
    where receivers.weight > 0
),

given as (
    {{ give_out('receivers', ['cost_pool_id', 'month'], 'customer_id', 'given_units', 'weight') }}
),

company as (
    select cast(minor_unit * 10000 as bigint) as minor_unit_size
    from {{ ref('stg_company') }}
)

select
    given.cost_pool_id,
    given.month,
    given.customer_id,
    steps.line_code,
    case when steps.method = 'capacity' then 'minutes' else steps.driver end as driver,
    given.weight,
    cast(given.given_units * company.minor_unit_size * cast(0.0001 as decimal(5, 4)) as decimal(18, 4)) as amount
from given
cross join company
inner join {{ ref('allocation_steps') }} as steps
    on given.cost_pool_id = steps.cost_pool_id and given.month = steps.month
