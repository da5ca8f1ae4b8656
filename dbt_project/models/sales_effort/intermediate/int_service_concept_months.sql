-- The service concept in force for each segment at the end of each month. What the customers get belongs in the marts.
with concepts as (
    select
        segment,
        valid_from,
        coalesce(
            lead(valid_from) over (partition by segment order by valid_from asc nulls last), cast('9999-12-31' as date)
        ) as valid_before,
        services,
        visits_per_year,
        order_channel,
        freight_terms,
        minimum_order,
        bonus_terms,
        free_freight_from,
        maximum_bonus_rate,
        maximum_payment_days
    from {{ ref('stg_service_concepts') }}
)

select
    concepts.segment,
    windows.month,
    concepts.valid_from,
    concepts.services,
    concepts.visits_per_year,
    -- A year's visits, or the part of them that falls in the months the accounts have.
    {{ div_round('concepts.visits_per_year * windows.month_count', '12', 4) }} as planned_visits,
    concepts.order_channel,
    concepts.freight_terms,
    concepts.minimum_order,
    concepts.bonus_terms,
    concepts.free_freight_from,
    concepts.maximum_bonus_rate,
    concepts.maximum_payment_days
from concepts
inner join {{ ref('time_windows') }} as windows
    on
        windows.time_window = 'r12'
        and {{ last_day_of('windows.month') }} >= concepts.valid_from
        and {{ last_day_of('windows.month') }} < concepts.valid_before
