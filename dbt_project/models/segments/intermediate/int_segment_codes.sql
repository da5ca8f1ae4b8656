-- Every segment that a version of the rules knows: a class of each axis, the class of negative figures among them.
with classes as (
    select
        rule_version,
        axis,
        class_code,
        position,
        is_good,
        good_minimum_orders,
        good_minimum_db3
    from {{ ref('segment_rules') }}
    union all
    select
        rule_version,
        axis,
        {{ negative_class() }} as class_code,
        max(position) + 1 as position,
        false as is_good,
        0 as good_minimum_orders,
        cast(null as decimal(18, 4)) as good_minimum_db3
    from {{ ref('segment_rules') }}
    group by rule_version, axis
    -- A rule that takes N for itself is a problem that sales_policy_problems names.
    having sum(case when class_code = {{ negative_class() }} then 1 else 0 end) = 0
)

-- Two pairs of classes with one name are a problem too; here they are one segment.
select
    sizes.rule_version,
    sizes.class_code || margins.class_code as segment,
    min(sizes.class_code) as size_class,
    min(margins.class_code) as margin_class,
    -- Steps from the best segment: what a move up or down is counted in.
    cast(min(sizes.position + margins.position - 2) as bigint) as steps_from_best,
    min(case when sizes.is_good and margins.is_good then 1 else 0 end) = 1 as is_good,
    cast(max(greatest(sizes.good_minimum_orders, margins.good_minimum_orders)) as bigint) as good_minimum_orders,
    cast(
        max(
            greatest(
                coalesce(sizes.good_minimum_db3, margins.good_minimum_db3),
                coalesce(margins.good_minimum_db3, sizes.good_minimum_db3)
            )
        ) as decimal(18, 4)
    ) as good_minimum_db3
from classes as sizes
inner join classes as margins
    on sizes.rule_version = margins.rule_version and sizes.axis = 'size' and margins.axis = 'margin'
group by sizes.rule_version, sizes.class_code || margins.class_code
