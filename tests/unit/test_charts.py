"""Charts: where bars stand, what is said of them, and that no text of data becomes part of the drawing."""

from __future__ import annotations

import re
from decimal import Decimal
from xml.etree.ElementTree import Element, fromstring

import pytest

from kunderegnskab import charts
from kunderegnskab.charts import Bar, Point, Told

TOLD = Told("account", "The account", "From sales to contribution.")
SVG = "{http://www.w3.org/2000/svg}"


def drawn(text: str) -> Element:
    return fromstring(text)


def spans(root: Element) -> list[tuple[float, float]]:
    """Left and right end of each bar."""
    found = [(float(each.get("x", "")), float(each.get("width", ""))) for each in root.iter(f"{SVG}rect")]
    return [(left, left + width) for left, width in found]


def step(value: int, kind: charts.Kind = "loss") -> Bar:
    return Bar("step", Decimal(value), str(value), kind)


@pytest.mark.parametrize("width", [charts.WIDE, charts.HALF, charts.NARROW])
def test_each_step_of_a_waterfall_begins_where_the_one_before_has_ended(width: int) -> None:
    root = drawn(
        charts.waterfall(
            [
                step(100, "total"),
                step(-60),
                step(-80),
                step(-40, "total"),
                step(30, "gain"),
                step(-10, "total"),
            ],
            TOLD,
            width=width,
        )
    )
    sales, first, second, loss, gain, end = spans(root)
    zero = sales[0]
    scale = (sales[1] - sales[0]) / 100
    for span, (start, stop) in zip(
        (first, second, loss, gain, end), ((40, 100), (-40, 40), (-40, 0), (-40, -10), (-10, 0)), strict=True
    ):
        assert span == pytest.approx((zero + start * scale, zero + stop * scale), abs=0.3)


def test_a_total_below_zero_is_drawn_otherwise_than_one_above() -> None:
    text = charts.waterfall([step(100, "total"), step(-140), step(-40, "total")], TOLD)
    kinds = [each.get("class") for each in drawn(text).iter(f"{SVG}rect")]
    assert kinds == ["c-total", "c-loss", "c-negative"]


def test_texts_of_data_stay_texts() -> None:
    bar = Bar("<script>alert('x')</script> & co", Decimal(1), "1", address='/kunde/"><script>')
    root = drawn(charts.bars([bar], TOLD))
    assert not list(root.iter("script"))
    assert [each.get("href") for each in root.iter(f"{SVG}a")] == ['/kunde/"><script>']
    assert "& co" in "".join(root.itertext())


def test_a_chart_says_what_it_shows_and_hides_no_link() -> None:
    plain = drawn(charts.bars([step(1)], TOLD))
    linked = drawn(charts.bars([Bar("a", Decimal(1), "1", address="/a")], TOLD))
    assert (plain.get("role"), linked.get("role")) == ("img", "group")
    for root in (plain, linked):
        names = (root.get("aria-labelledby") or "").split()
        said = {each.get("id"): each.text for each in root.iter() if each.get("id")}
        assert [said[name] for name in names] == [TOLD.title, TOLD.description]


def test_a_document_gets_colours_and_no_classes() -> None:
    text = charts.bars([step(-5, "plain")], TOLD, palette=charts.PAPER)
    assert charts.PAPER["negative"] in text
    assert not re.search(r'class="[cs]-', text)


def test_months_without_anything_have_no_column() -> None:
    points = [Point("jan", Decimal(5), Decimal(4)), Point("feb", None), Point("mar", Decimal(-2), None)]
    ticks = [(tick, str(tick)) for tick in charts.ticks_of([Decimal(5), Decimal(-2)])]
    root = drawn(charts.months(points, TOLD, ticks=ticks))
    assert [each.get("class") for each in root.iter(f"{SVG}rect")] == ["c-plain", "c-negative"]
    assert len([each for each in root.iter(f"{SVG}line") if each.get("class") == "s-then"]) == 1


def test_a_running_total_marks_its_highest_point_and_its_end() -> None:
    values = [Decimal(3), Decimal(5), Decimal(4)]
    ticks = [(tick, str(tick)) for tick in charts.ticks_of(values)]
    root = drawn(charts.curve(values, TOLD, ticks=ticks, labels=[(0, "0"), (3, "3")]))
    heights = [float(each.get("cy", "")) for each in root.iter(f"{SVG}circle")]
    assert len(heights) == 2
    assert heights[0] < heights[1]


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0, 97], [0, 20, 40, 60, 80, 100]),
        ([-30, 90], [-50, 0, 50, 100]),
        ([-12_345_678, -1], [-15_000_000, -10_000_000, -5_000_000, 0]),
        ([1], [0, Decimal("0.2"), Decimal("0.4"), Decimal("0.6"), Decimal("0.8"), 1]),
        ([0], [0, 1]),
        ([], [0, 1]),
    ],
)
def test_ticks_are_round_and_hold_all_values(values: list[int], ticks: list[int | Decimal]) -> None:
    assert charts.ticks_of([Decimal(value) for value in values]) == ticks
