"""Charts as pages show them: each once for a wide page and once for a phone, the style sheet shows one.

Here: from rows to what kunderegnskab/charts.py draws. Not here: drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from babel.dates import format_date
from markupsafe import Markup

from kunderegnskab import charts
from kunderegnskab.charts import Bar, Point, Told
from kunderegnskab.reading.accounts import Account
from kunderegnskab.reading.reader import Row
from kunderegnskab.web.figures import Figures, cells


def both(draw: Callable[[int], str], wide_width: int = charts.WIDE) -> Markup:
    """The chart in both widths."""
    wide, narrow = draw(wide_width), draw(charts.NARROW)
    # Drawn here from escaped texts.
    return Markup(f'<div class="wide-only">{wide}</div><div class="narrow-only">{narrow}</div>')


def account_waterfall(account: Account, figures: Figures, told: Told) -> Markup:
    """From the first line of an account to the last: subtotals on the axis, lines between them as steps."""
    place = cells(
        "scope_windows",
        {"scope_type": account.scope_type, "scope_id": account.scope_id, "month": account.month},
        "scope_type",
        "scope_id",
        "month",
        time_window="r12",
    )
    bars = []
    for number, line in enumerate(account.lines):
        is_total = line.is_subtotal or number == 0
        effect = line.amount if is_total else line.effect
        if not is_total and effect == 0:
            continue
        kind = "total" if is_total else "gain" if effect > 0 else "loss"
        bars.append(Bar(line.name, effect, figures.language.whole(effect), kind, place(line.column)))
    return both(lambda width: charts.waterfall(bars, told, width=width))


def by_month(
    rows: Sequence[Row], column: str, figures: Figures, told: Told, width: int = charts.WIDE
) -> Markup:
    """A column by month, with last year in `compared_`."""
    values = [row[column] for row in rows]
    then = [row[f"compared_{column}"] for row in rows]
    known = [value for value in [*values, *then] if value is not None]
    ticks = [(tick, figures.short(tick)) for tick in charts.ticks_of(known)]

    def draw(width: int) -> str:
        points = [
            Point(
                _short_month(row["month"], figures, is_narrow=width <= charts.NARROW),
                value,
                before,
                f"{figures.language.month(row['month'])}: {figures.language.whole(value)}",
            )
            for row, value, before in zip(rows, values, then, strict=True)
        ]
        return charts.months(points, told, ticks=ticks, width=width)

    return both(draw, width)


def whale(cumulative: Sequence[Decimal], figures: Figures, told: Told) -> Markup:
    """The running total of contribution over customers."""
    ticks = [(tick, figures.short(tick)) for tick in charts.ticks_of(cumulative)]
    count = len(cumulative)
    peak = cumulative.index(max(cumulative)) + 1 if cumulative else 0
    labels = [(0, "0"), (peak, figures.language.count(peak)), (count, figures.language.count(count))]
    # Two numbers at one place say nothing.
    labels = [each for each in labels if each[0] in (0, count) or count * 0.1 < each[0] < count * 0.9]
    return both(lambda width: charts.curve(cumulative, told, ticks=ticks, labels=labels, width=width))


def _short_month(month: date, figures: Figures, *, is_narrow: bool) -> str:
    locale = {"da": "da_DK", "en": "en_GB"}[figures.language.code]
    text = format_date(month, "MMM", locale=locale).rstrip(".")
    return text[:1].upper() if is_narrow else text
