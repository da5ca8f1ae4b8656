{# Fails for each target with a baseline in an earlier publication that shows another one, or none. #}
{% macro target_baselines__have_not_moved() -%}
select
    published.kpi_id,
    published.scope_type,
    published.scope_id,
    published.month_from,
    published.baseline_value as published_value,
    baselines.baseline_value
from {{ ref('stg_published_baselines') }} as published
left join {{ ref('target_baselines') }} as baselines
    on
        published.kpi_id = baselines.kpi_id
        and published.scope_type = baselines.scope_type
        and published.scope_id = baselines.scope_id
        and published.month_from = baselines.month_from
where
    baselines.baseline_value is distinct from published.baseline_value
    or baselines.baseline_publication is distinct from published.baseline_publication
{%- endmacro %}
