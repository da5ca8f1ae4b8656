"""The register of KPIs, and the targets with their baselines."""

from __future__ import annotations

from kunderegnskab.reading.reader import Reader, Row


def register(reader: Reader) -> list[Row]:
    """Rows of marts.kpi_register in their order."""
    return reader.rows("select * from marts.kpi_register order by position")


def targets(reader: Reader) -> list[Row]:
    """Targets that the viewer sees, with the KPI's names, newest first.

    Rows of marts.kpi_targets with `baseline_value`, `drift` and `value_so_far`, all None for a target without
    a baseline, and with `value`, `attainment` and `is_target_met` of the year up to `month`: the newest month
    in which the target held. They are None before it begins.
    """
    return reader.rows(
        """
        select targets.*, name_da, name_en, unit, baselines.baseline_value, baselines.drift,
            baselines.value_so_far, reached.attainment, reached.is_target_met, reached.value, reached.month,
            reached.time_window
        from marts.kpi_targets as targets
        inner join marts.kpi_register as register using (kpi_id)
        left join marts.target_baselines as baselines using (kpi_id, scope_type, scope_id, month_from)
        left join marts.kpi_values as reached
            on reached.kpi_id = targets.kpi_id
            and reached.scope_type = targets.scope_type
            and reached.scope_id = targets.scope_id
            and reached.month = least(?, targets.last_month) and reached.month >= targets.month_from
            and reached.time_window = 'ytd'
        order by targets.month_from desc, targets.scope_type, targets.scope_id, position
        """,
        [reader.last_month],
    )
