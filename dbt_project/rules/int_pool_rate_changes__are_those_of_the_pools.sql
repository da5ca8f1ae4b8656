{# Fails for each pool, line and month where the shares' changes of rate are not what the pool's own rates come to: what
   it gave out, less all usage at its rate of then; all of it where the pool is new, has ended or has another rule. A
   share of the same usage is the share of then, which largest remainders have taken to a whole minor unit: the two may
   be one minor unit apart for each share. #}
{% macro int_pool_rate_changes__are_those_of_the_pools() -%}
with shares as (
    select
        cost_pool_id,
        month,
        months_back,
        line_code,
        cast(sum(weight) as decimal(18, 6)) as weight,
        sum(amount) as amount,
        sum(compared_amount) as compared_amount,
        sum(rate_change) as rate_change,
        count(*) as share_count
    from {{ ref('int_pool_rate_changes') }}
    group by cost_pool_id, month, months_back, line_code
),

pools as (
    select
        cost_pool_id,
        month,
        line_code,
        method,
        case when method = 'capacity' then 'minutes' else driver end as driver,
        applies_to,
        -- A hundred units at a standard rate cost an amount with no more decimals than money has.
        case
            when standard_rate is null then pool_cost
            else cast(standard_rate * 100 as decimal(18, 4))
        end as pool_cost,
        cast(
            case
                when standard_rate is not null then 100
                when method = 'capacity' then practical_capacity_minutes
                else driver_total
            end as decimal(18, 6)
        ) as units
    from {{ ref('allocation_steps') }}
    where
        line_code is distinct from 'K70'
        and (finding is null or finding in ('no_receiver', 'over_used', 'negative_receivers'))
),

expected as (
    select
        shares.cost_pool_id,
        shares.month,
        shares.months_back,
        shares.line_code,
        shares.rate_change,
        shares.share_count,
        shares.amount - case
            when now.cost_pool_id is not null and earlier.units > 0
                then {{ money_scaled_by('earlier.pool_cost', 'shares.weight', 'earlier.units') }}
            else shares.compared_amount
        end as expected_change
    from shares
    left join pools as earlier
        on
            shares.cost_pool_id = earlier.cost_pool_id
            and shares.month = {{ add_months('earlier.month', 'shares.months_back') }}
            and shares.line_code = earlier.line_code
    left join pools as now
        on
            shares.cost_pool_id = now.cost_pool_id
            and shares.month = now.month
            and shares.line_code = now.line_code
            and earlier.method = now.method
            and earlier.driver = now.driver
            and earlier.applies_to = now.applies_to
)

select
    expected.cost_pool_id,
    expected.month,
    expected.months_back,
    expected.line_code,
    expected.rate_change,
    expected.expected_change
from expected
cross join {{ ref('stg_company') }} as company
where abs(expected.rate_change - expected.expected_change) > expected.share_count * company.minor_unit
{%- endmacro %}
