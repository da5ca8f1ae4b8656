-- The segment rules in force: the company's versions, and before the first of them the standard. A version is in force
-- from its valid_from to the next one's. Where chains are classed as one, its name says so: other customers are in a
-- segment by it, so nobody shall take two publications for the same rules. How a customer's class follows from them is
-- decided in int_segment_classes.
with all_rules as (
    select
        rule_version,
        axis,
        class_code,
        valid_from,
        basis,
        method,
        threshold_from,
        hysteresis,
        minimum_months,
        is_good,
        good_minimum_orders,
        good_minimum_db3,
        true as is_standard
    from {{ ref('default_segment_rules') }}
    union all
    select
        rule_version,
        axis,
        class_code,
        valid_from,
        coalesce(basis, case axis when 'size' then 'net_sales' else 'dg2' end) as basis,
        method,
        threshold_from,
        hysteresis,
        minimum_months,
        is_good,
        good_minimum_orders,
        good_minimum_db3,
        false as is_standard
    from {{ ref('stg_segment_rules') }}
),

versions as (
    select
        rule_version,
        min(valid_from) as valid_from
    from all_rules
    group by rule_version
),

dated as (
    select
        rule_version,
        valid_from,
        coalesce(lead(valid_from) over (order by valid_from asc nulls last), cast('9999-12-31' as date)) as valid_before
    from versions
)

select
    case
        when company.segment_level = 'chain' then {{ version_for_chains('all_rules.rule_version') }}
        else all_rules.rule_version
    end as rule_version,
    all_rules.axis,
    all_rules.class_code,
    -- From the best class to the worst: high figures are better, a high share with larger customers is worse.
    cast(
        row_number() over (
            partition by all_rules.rule_version, all_rules.axis
            order by
                case
                    when all_rules.method = 'cumulative_share' then coalesce(all_rules.threshold_from, 0)
                    else -all_rules.threshold_from
                end asc nulls last,
                all_rules.class_code asc nulls last
        ) as bigint
    ) as position,
    dated.valid_from,
    dated.valid_before,
    all_rules.basis,
    all_rules.method,
    cast(all_rules.threshold_from as decimal(18, 6)) as threshold_from,
    cast(all_rules.hysteresis as decimal(18, 8)) as hysteresis,
    cast(all_rules.minimum_months as bigint) as minimum_months,
    all_rules.is_good,
    cast(all_rules.good_minimum_orders as bigint) as good_minimum_orders,
    cast(all_rules.good_minimum_db3 as decimal(18, 4)) as good_minimum_db3,
    all_rules.is_standard
from all_rules
inner join dated
    on all_rules.rule_version = dated.rule_version
cross join {{ ref('stg_company') }} as company
