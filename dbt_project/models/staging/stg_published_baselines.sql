-- Baselines of targets as earlier publications hold them; which targets there are is in stg_kpi_targets.
select
    kpi_id,
    scope_type,
    scope_id,
    month_from,
    baseline_month_from,
    baseline_month_to,
    approved_on,
    baseline_value,
    baseline_publication,
    rule_version
from {{ source('raw', 'published_baselines') }}
