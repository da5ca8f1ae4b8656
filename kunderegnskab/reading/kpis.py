"""The register of KPIs, and the targets with their baselines."""

from __future__ import annotations

from kunderegnskab.reading.reader import Reader, Row


def register(reader: Reader) -> list[Row]:
    """Rows of marts.kpi_register in their order."""
    return reader.rows("select * from marts.kpi_register order by position")


def targets(reader: Reader) -> list[Row]:
    """Targets that the viewer sees, with baseline, drift and what is reached, and the KPI's names."""
    return reader.rows(
        """
        select target_baselines.*, name_da, name_en, unit, register.direction, reached.attainment,
            reached.is_target_met, reached.value, reached.month, reached.time_window
        from marts.target_baselines
        inner join marts.kpi_register as register using (kpi_id)
        left join marts.kpi_values as reached
            on reached.kpi_id = target_baselines.kpi_id
            and reached.scope_type = target_baselines.scope_type
            and reached.scope_id = target_baselines.scope_id
            and reached.month = ? and reached.time_window = 'ytd'
        order by month_from desc, target_baselines.scope_type, target_baselines.scope_id, position
        """,
        [reader.last_month],
    )
