"""Charts as SVG, written here: waterfall, months beside last year, running total, bars.

A chart is text that stands in a page or a document: it needs no script, prints, and takes its colours from
the page's style sheet (classes `c-...`), or literally where there is none (a Palette). Callers bring numbers
with the texts that are shown of them; a chart knows no language and no currency. What a chart shows must
also stand in a table or a sentence beside it: its description says the main thing, not every value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Literal

Kind = Literal["total", "gain", "loss", "plain", "negative"]
Palette = Mapping[str, str]

PAPER: Palette = {
    "total": "#1d3b4a",
    "gain": "#4b8a8f",
    "loss": "#c07a4a",
    "negative": "#a3292e",
    "plain": "#4b8a8f",
    "axis": "#8a8f94",
    "grid": "#e2e4e6",
    "text": "#1b1f23",
    "quiet": "#5c646b",
    "then": "#8a8f94",
    "area": "#dfe9ea",
}
"""Colours for documents without a style sheet, by what is drawn."""

WIDE = 720
"""Width of a chart beside text, in its own units; text in it is 12 of them high."""
HALF = 520
"""Width of a chart that shares the page's width with another."""
NARROW = 350
"""Width of the same chart on a phone."""
_TEXT = 12
_ROW = 26
_SIGN = 6.4  # width of a sign of 12 units, about


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        label: what it is of.
        value: how long it is; in a waterfall of a step what it adds.
        text: the value as it is written.
        kind: its colour; in a waterfall `total` stands on the axis, all others on what came before.
        address: where a click leads.
        then: the value to compare with, drawn as a mark.
    """

    label: str
    value: Decimal
    text: str
    kind: Kind = "plain"
    address: str | None = None
    then: Decimal | None = None


@dataclass(frozen=True)
class Point:
    """One month or rank.

    Attributes:
        label: below the axis; empty where there is no room for one.
        value: None where there is nothing.
        then: the same a year before.
        text: what is told when one points at it.
    """

    label: str
    value: Decimal | None
    then: Decimal | None = None
    text: str = ""


@dataclass(frozen=True)
class Told:
    """What is said of a chart.

    Attributes:
        name: tells it from others on a page; letters and hyphens.
        title: what it shows.
        description: what one sees in it, in a sentence.
    """

    name: str
    title: str
    description: str


def waterfall(bars: Sequence[Bar], told: Told, *, width: int = WIDE, palette: Palette | None = None) -> str:
    """From the first total to the last, step by step from top to bottom; below zero too."""
    reached = Decimal(0)
    spans: list[tuple[Decimal, Decimal]] = []
    for bar in bars:
        if bar.kind == "total":
            spans.append((Decimal(0), bar.value))
            reached = bar.value
        else:
            spans.append((reached, reached + bar.value))
            reached += bar.value
    return _rows(bars, spans, told, width=width, palette=palette, joined=True)


def bars(given: Sequence[Bar], told: Told, *, width: int = WIDE, palette: Palette | None = None) -> str:
    """A bar per row from zero, to the left where it is negative, with a mark where it was before."""
    spans = [(Decimal(0), bar.value) for bar in given]
    return _rows(given, spans, told, width=width, palette=palette, joined=False)


def months(
    points: Sequence[Point],
    told: Told,
    *,
    ticks: Sequence[tuple[Decimal, str]],
    width: int = WIDE,
    palette: Palette | None = None,
) -> str:
    """A column per month, and last year as a line of steps.

    Args:
        ticks: values with their texts for the lines across; see `ticks_of`.
    """
    height = 240 if width >= WIDE else 210
    plot = _Plot.of(width, height, ticks)
    drawing = _Drawing(width, height, told, palette)
    _grid(drawing, plot, ticks)
    step = plot.width / max(len(points), 1)
    gap = step * 0.18
    for place, point in enumerate(points):
        left = plot.left + place * step
        if point.value is not None:
            top, bottom = sorted((plot.y(point.value), plot.y(Decimal(0))))
            kind = "negative" if point.value < 0 else "plain"
            drawing.rect(left + gap, top, step - 2 * gap, bottom - top, kind, said=point.text)
        if point.then is not None:
            y = plot.y(point.then)
            drawing.line(left + gap / 2, y, left + step - gap / 2, y, "then", thick=2.5)
        if point.label:
            drawing.text(left + step / 2, height - 6, point.label, "quiet", "middle")
    _axis(drawing, plot)
    return drawing.svg()


def curve(
    values: Sequence[Decimal],
    told: Told,
    *,
    ticks: Sequence[tuple[Decimal, str]],
    labels: Sequence[tuple[int, str]],
    width: int = WIDE,
    palette: Palette | None = None,
) -> str:
    """A running total over ranks, from zero, with its highest point marked.

    Args:
        labels: ranks with their texts below the axis.
    """
    height = 260 if width > NARROW else 220
    plot = _Plot.of(width, height, ticks)
    drawing = _Drawing(width, height, told, palette)
    _grid(drawing, plot, ticks)
    count = max(len(values), 1)

    def x(rank: int) -> float:
        return plot.left + plot.width * rank / count

    points = [(x(0), plot.y(Decimal(0)))] + [(x(rank), plot.y(value)) for rank, value in enumerate(values, 1)]
    drawing.area([*points, (points[-1][0], plot.y(Decimal(0)))])
    drawing.path(points)
    if values:
        peak = max(range(len(values)), key=lambda place: values[place])
        drawing.line(x(peak + 1), plot.y(values[peak]), x(peak + 1), plot.y(Decimal(0)), "then", dashed=True)
        drawing.dot(x(peak + 1), plot.y(values[peak]), "total")
        drawing.dot(points[-1][0], points[-1][1], "negative")
    for rank, label in labels:
        anchor = "start" if rank == 0 else "end" if rank == len(values) else "middle"
        drawing.text(x(rank), height - 6, label, "quiet", anchor)
    _axis(drawing, plot)
    return drawing.svg()


def ticks_of(values: Sequence[Decimal], most: int = 5) -> list[Decimal]:
    """Round values from at most the lowest of these, or 0, to at least the highest, evenly spaced."""
    low, high = min([*values, Decimal(0)]), max([*values, Decimal(0)])
    if low == high:
        return [Decimal(0), Decimal(1)]
    rough = (high - low) / most
    power = Decimal(10) ** rough.adjusted()
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first = (low / step).to_integral_value("ROUND_FLOOR")
    last = (high / step).to_integral_value("ROUND_CEILING")
    return [step * each for each in range(int(first), int(last) + 1)]


# --- rows ---------------------------------------------------------------------------------------------------
def _rows(
    given: Sequence[Bar],
    spans: Sequence[tuple[Decimal, Decimal]],
    told: Told,
    *,
    width: int,
    palette: Palette | None,
    joined: bool,
) -> str:
    is_wide = width > NARROW
    # On a phone there is no room beside the bars: labels stand above them.
    row = _ROW if is_wide else 2 * _ROW - 10
    values = max((len(bar.text) for bar in given), default=0) * _SIGN + 12
    label_width = max((len(bar.label) for bar in given), default=0) * _SIGN
    left = min(label_width + 16, width * 0.42) if is_wide else 4
    right = width - values
    edges = [edge for span in spans for edge in span] + [bar.then for bar in given if bar.then is not None]
    low, high = min([*edges, Decimal(0)]), max([*edges, Decimal(0)])
    reach = high - low or Decimal(1)

    def x(value: Decimal) -> float:
        return left + float((value - low) / reach) * (right - left)

    drawing = _Drawing(width, len(given) * row + 8, told, palette)
    drawing.line(x(Decimal(0)), 2, x(Decimal(0)), len(given) * row + 4, "axis")
    for place, (bar, (start, end)) in enumerate(zip(given, spans, strict=True)):
        top = place * row + 4
        at = top + (0 if is_wide else 17)
        middle = at + (_ROW - 6) / 2
        kind = "negative" if bar.kind in ("total", "plain") and bar.value < 0 else bar.kind
        is_total = bar.kind == "total"
        with_link = _Link(drawing, bar.address)
        with_link.begin()
        if is_wide:
            drawing.text(left - 10, middle + 4, _cut(bar.label, left - 14), "text", "end", strong=is_total)
        else:
            drawing.text(left, top + 12, _cut(bar.label, width - values), "text", "start", strong=is_total)
        a, b = sorted((x(start), x(end)))
        drawing.rect(a, at + 2, max(b - a, 1), _ROW - 10, kind, said=f"{bar.label}: {bar.text}")
        if bar.then is not None:
            drawing.line(x(bar.then), at, x(bar.then), at + _ROW - 6, "then", thick=2.5)
        number = "negative" if bar.value < 0 and bar.kind in ("total", "plain") else "text"
        drawing.text(width - 2, middle + 4, bar.text, number, "end", strong=is_total)
        with_link.end()
        if joined and place + 1 < len(given):
            drawing.line(x(end), at + _ROW - 8, x(end), at + row + 2, "axis", dashed=True)
    return drawing.svg()


def _cut(label: str, room: float) -> str:
    most = max(int(room / _SIGN), 4)
    return label if len(label) <= most else f"{label[: most - 1].rstrip()}…"


# --- plots --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Plot:
    left: float
    top: float
    width: float
    height: float
    low: Decimal
    high: Decimal

    @classmethod
    def of(cls, width: int, height: int, ticks: Sequence[tuple[Decimal, str]]) -> _Plot:
        left = max((len(text) for _, text in ticks), default=0) * _SIGN + 10
        values = [value for value, _ in ticks]
        return cls(left, 10, width - left - 6, height - 36, min(values), max(values))

    def y(self, value: Decimal) -> float:
        reach = self.high - self.low or Decimal(1)
        return self.top + float((self.high - value) / reach) * self.height


def _grid(drawing: _Drawing, plot: _Plot, ticks: Sequence[tuple[Decimal, str]]) -> None:
    for value, text in ticks:
        drawing.line(plot.left, plot.y(value), plot.left + plot.width, plot.y(value), "grid")
        drawing.text(plot.left - 8, plot.y(value) + 4, text, "quiet", "end")


def _axis(drawing: _Drawing, plot: _Plot) -> None:
    zero = plot.y(Decimal(0))
    drawing.line(plot.left, zero, plot.left + plot.width, zero, "axis")


# --- SVG ----------------------------------------------------------------------------------------------------
class _Link:
    """What is drawn in between leads somewhere, if there is somewhere to go."""

    def __init__(self, drawing: _Drawing, address: str | None) -> None:
        self._drawing, self._address = drawing, address

    def begin(self) -> None:
        if self._address is not None:
            self._drawing.links += 1
            self._drawing.add(f'<a href="{escape(self._address)}">')

    def end(self) -> None:
        if self._address is not None:
            self._drawing.add("</a>")


class _Drawing:
    """Elements in the order in which they are drawn."""

    def __init__(self, width: int, height: float, told: Told, palette: Palette | None) -> None:
        self._size = (width, height)
        self._told = told
        self._palette = palette
        self._parts: list[str] = []
        self.links = 0

    def add(self, part: str) -> None:
        self._parts.append(part)

    def rect(self, x: float, y: float, width: float, height: float, kind: str, *, said: str = "") -> None:
        title = f"<title>{escape(said)}</title>" if said else ""
        self.add(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" '
            f"{self._paint('c', kind)}>{title}</rect>"
        )

    def line(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        kind: str,
        *,
        thick: float = 1,
        dashed: bool = False,
    ) -> None:
        dash = ' stroke-dasharray="2 2"' if dashed else ""
        self.add(
            f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" stroke-width="{_n(thick)}"{dash} '
            f"{self._paint('s', kind)}/>"
        )

    def path(self, points: Sequence[tuple[float, float]]) -> None:
        self.add(f'<path d="{_path(points)}" fill="none" stroke-width="2" {self._paint("s", "total")}/>')

    def area(self, points: Sequence[tuple[float, float]]) -> None:
        self.add(f'<path d="{_path(points)}Z" {self._paint("c", "area")}/>')

    def dot(self, x: float, y: float, kind: str) -> None:
        self.add(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="4" {self._paint("c", kind)}/>')

    def text(self, x: float, y: float, text: str, kind: str, anchor: str, *, strong: bool = False) -> None:
        weight = ' font-weight="600"' if strong else ""
        self.add(
            f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}"{weight} {self._paint("c", kind)}>'
            f"{escape(text)}</text>"
        )

    def svg(self) -> str:
        width, height = self._size
        name = f"{self._told.name}-{width}"
        # What is one picture hides its parts from who listens; what has links must not.
        role = "group" if self.links else "img"
        font = "" if self._palette is None else ' font-family="sans-serif"'
        return (
            f'<svg class="chart" viewBox="0 0 {width} {_n(height)}" xmlns="http://www.w3.org/2000/svg" '
            f'font-size="{_TEXT}"{font} role="{role}" aria-labelledby="{name}-title {name}-said">'
            f'<title id="{name}-title">{escape(self._told.title)}</title>'
            f'<desc id="{name}-said">{escape(self._told.description)}</desc>'
            f"{''.join(self._parts)}</svg>"
        )

    def _paint(self, prefix: str, kind: str) -> str:
        if self._palette is None:
            return f'class="{prefix}-{kind}"'
        return f'{"fill" if prefix == "c" else "stroke"}="{self._palette[kind]}"'


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "".join(_steps(points))


def _steps(points: Sequence[tuple[float, float]]) -> Iterator[str]:
    for place, (x, y) in enumerate(points):
        yield f"{'L' if place else 'M'}{_n(x)} {_n(y)}"


def _n(number: float) -> str:
    """A length with one decimal, none where it is whole."""
    return f"{number:.1f}".removesuffix(".0")
