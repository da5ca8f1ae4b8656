{# Fails for each customer whose benchmark rests on fewer than the company asks for, on itself, or on a farther group
   than it could; for each that has none and could have one; and where the drivers of a customer have different ones. #}
{% macro int_driver_benchmarks__rest_on_enough_others() -%}
with customers as (
    select
        benchmarks.customer_id,
        min(benchmarks.segment) as segment,
        min(benchmarks.size_class) as size_class,
        max(case when benchmarks.is_measure then 1 else 0 end) as measured,
        max(case when benchmarks.is_measure and benchmarks.is_good_customer then 1 else 0 end) as good,
        min(coalesce(benchmarks.benchmark_group, 'none')) as benchmark_group,
        max(coalesce(benchmarks.benchmark_group, 'none')) as other_group,
        min(coalesce(benchmarks.benchmark_customers, 0)) as benchmark_customers,
        max(coalesce(benchmarks.benchmark_customers, 0)) as other_customers
    from {{ ref('int_driver_benchmarks') }} as benchmarks
    group by benchmarks.customer_id
),

counted as (
    select
        customers.*,
        company.benchmark_minimum_customers as minimum,
        case
            when customers.size_class is not null
                then sum(customers.good) over (partition by customers.size_class) - customers.good
            else 0
        end as of_size,
        sum(customers.good) over () - customers.good as of_good,
        sum(customers.measured) over (partition by customers.segment) - customers.measured as of_segment
    from customers
    cross join {{ ref('stg_company') }} as company
),

expected as (
    select
        *,
        case
            when of_size >= minimum then 'size_class'
            when of_good >= minimum then 'good_customers'
            when of_segment >= minimum then 'segment'
            else 'none'
        end as expected_group,
        case
            when of_size >= minimum then of_size
            when of_good >= minimum then of_good
            when of_segment >= minimum then of_segment
            else 0
        end as expected_customers
    from counted
)

select
    customer_id,
    benchmark_group,
    expected_group,
    benchmark_customers,
    expected_customers
from expected
where
    benchmark_group is distinct from expected_group
    or other_group is distinct from expected_group
    or benchmark_customers is distinct from expected_customers
    or other_customers is distinct from expected_customers
{%- endmacro %}
