{# Fails for each list whose visits and hours, owed and made, are not those of its customers in sales_effort, for a
   company that is not the sum of its lists, and for each list that says the wrong thing of whether there is time. #}
{% macro visit_capacity__is_what_the_lists_owe() -%}
with expected as (
    {%- for scope_type, scope_id in [('salesperson', 'salesperson_id'), ('company', "'company'")] %}
    select
        '{{ scope_type }}' as scope_type,
        {{ scope_id }} as scope_id,
        month,
        sum(case when planned_visits > 0 then 1 else 0 end) as customer_count,
        sum(coalesce(planned_visits, 0)) as planned_visits,
        sum(actual_visits) as actual_visits,
        sum(coalesce(remaining_visits, 0)) as remaining_visits,
        sum(planned_hours) as planned_hours,
        sum(remaining_hours) as remaining_hours
    from {{ ref('sales_effort') }}
    group by {{ scope_id ~ ', ' if scope_type != 'company' }}month
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    coalesce(expected.scope_type, told.scope_type) as scope_type,
    coalesce(expected.scope_id, told.scope_id) as scope_id,
    coalesce(expected.month, told.month) as month,
    expected.planned_visits,
    told.planned_visits as planned_visits_told,
    told.planned_hours,
    told.available_hours,
    told.is_beyond_capacity
from expected
full join {{ ref('visit_capacity') }} as told
    on
        expected.scope_type = told.scope_type
        and expected.scope_id = told.scope_id
        and expected.month = told.month
where
    expected.scope_id is null
    or told.scope_id is null
    or {{ each(
        'expected.{} is distinct from told.{}',
        [
            'customer_count', 'planned_visits', 'actual_visits', 'remaining_visits', 'planned_hours', 'remaining_hours',
        ], ' or '
    ) }}
    or told.is_beyond_capacity is distinct from (told.planned_hours > told.available_hours)
    or told.hours_lacking is distinct from case
        when told.planned_hours is not null and told.available_hours is not null
            then greatest(told.planned_hours - told.available_hours, 0)
    end
    or (told.available_hours is null) is distinct from (told.capacity_source is null)
{%- endmacro %}
