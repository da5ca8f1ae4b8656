"""What scopes have to show over windows of time: beside the year before, where there is one.

Not here: which scopes and windows are shown.
"""

from __future__ import annotations

from kunderegnskab.reading.reader import Reader

# The publication says 0 of a window that is compared with none: read as it stands, all of a company's
# first year is growth.
SCOPE_WINDOWS = r"""(
    select columns(lambda name: not starts_with(name, 'compared_')),
        case when is_compared then columns(lambda name: starts_with(name, 'compared_')) end as "\0"
    from marts.scope_windows
    inner join (
        select month, time_window, first_month, is_complete, compared_first_month is not null as is_compared
        from marts.time_windows
    ) using (month, time_window)
)"""
"""SQL: rows of marts.scope_windows with `first_month`, `is_complete` and `is_compared` of the window. All
`compared_` columns are NULL where there is nothing to compare with."""


def is_compared(reader: Reader, window: str) -> bool:
    """Whether there is a year before beside this window up to the newest month."""
    row = reader.row(
        "select compared_first_month is not null as is_compared from marts.time_windows "
        "where month = ? and time_window = ?",
        [reader.last_month, window],
    )
    return row is not None and row["is_compared"]
