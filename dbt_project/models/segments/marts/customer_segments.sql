-- Which segment each customer is in, month by month: as calculated, as the sales team has decided, and the one in
-- effect. A customer is in exactly one segment each month. Thresholds belong in the segment rules.
with classes as (
    select
        customer_id,
        month,
        max(case when axis = 'size' then class_code end) as size_class,
        max(case when axis = 'margin' then class_code end) as margin_class
    from {{ ref('int_segment_classes') }}
    group by customer_id, month
),

decided as (
    select
        basis.customer_id,
        basis.month,
        basis.rule_version,
        basis.first_order_month,
        classes.size_class,
        classes.margin_class,
        coalesce(basis.state, classes.size_class || classes.margin_class) as calculated_segment,
        decisions.segment as override_segment,
        basis.size_value,
        basis.margin_value,
        basis.net_sales_r12,
        basis.db2_r12,
        basis.db3_r12,
        basis.dg2_r12,
        basis.order_count_r12
    from {{ ref('int_segment_basis') }} as basis
    left join classes
        on basis.customer_id = classes.customer_id and basis.month = classes.month
    left join {{ ref('int_segment_decisions') }} as decisions
        on
            basis.customer_id = decisions.customer_id
            and {{ last_day_of('basis.month') }} >= decisions.decided_on
            and {{ last_day_of('basis.month') }} < decisions.decided_before
            and {{ last_day_of('basis.month') }} <= coalesce(decisions.valid_to, cast('9999-12-31' as date))
),

openings as (
    select
        decided.customer_id,
        decided.month,
        coalesce(opening.override_segment, opening.calculated_segment) as opening_segment
    from decided
    inner join {{ ref('time_windows') }} as windows
        on decided.month = windows.month and windows.time_window = 'month'
    cross join {{ ref('stg_company') }} as company
    inner join decided as opening
        on
            decided.customer_id = opening.customer_id
            and opening.month
            = {{ add_months(fiscal_year_floor('windows.month', 'company.fiscal_year_start'), '-1') }}
)

select
    decided.customer_id,
    decided.month,
    decided.rule_version,
    decided.size_class,
    decided.margin_class,
    decided.calculated_segment,
    decided.override_segment,
    coalesce(decided.override_segment, decided.calculated_segment) as segment,
    coalesce(
        openings.opening_segment,
        case
            when decided.calculated_segment in ({{ unknown_id() }}, {{ internal_state() }})
                then decided.calculated_segment
            else {{ new_state() }}
        end
    ) as opening_segment,
    coalesce(
        codes.is_good
        and decided.order_count_r12 >= codes.good_minimum_orders
        and (codes.good_minimum_db3 is null or decided.db3_r12 > codes.good_minimum_db3),
        false
    ) as is_good_customer,
    decided.first_order_month,
    decided.size_value,
    decided.margin_value,
    decided.net_sales_r12,
    decided.db2_r12,
    decided.db3_r12,
    decided.dg2_r12,
    decided.order_count_r12
from decided
left join openings
    on decided.customer_id = openings.customer_id and decided.month = openings.month
left join {{ ref('int_segment_codes') }} as codes
    on
        decided.rule_version = codes.rule_version
        and coalesce(decided.override_segment, decided.calculated_segment) = codes.segment
