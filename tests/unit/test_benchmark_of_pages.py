"""What the benchmark of the web page draws, what it takes for wrong, and how it counts.

How long a page takes is never tested; the whole run is `benchmarks/pages.py`.
"""

from __future__ import annotations

import random

import httpx2
import pages
import pytest
from pages import Answered, Measured, Somebody

from kunderegnskab.web.all_pages import PAGES

# 21 answers: with the last one, more than 5 of 100 are slow.
QUICK, SLOW = [0.1] * 20, [2.0]


def answers(seconds: list[float], size: int = 9_000) -> list[Answered]:
    return [Answered("kpis", "finance", "/kpi", each, size, "", "0001-a") for each in seconds]


@pytest.mark.parametrize(
    ("status", "shown", "before", "after", "wrong"),
    [
        (200, "0002-a", "0002-a", "0002-a", ""),
        (200, "0002-a", "0001-a", "0003-a", ""),
        (200, "0001-a", "0001-a", "0002-a", ""),
        (200, "0001-a", "0002-a", "0002-a", "shows 0001-a, while 0002-a was current"),
        (200, "0010-a", "0009-a", "0009-b", "shows 0010-a, while 0009-a to 0009-b was current"),
        (200, "", "0001-a", "0001-a", "no publication in the foot"),
        (303, "", "0001-a", "0001-a", "status 303"),
        (404, "0001-a", "0001-a", "0001-a", "status 404"),
    ],
)
def test_what_was_not_current_meanwhile_is_wrong(
    status: int, shown: str, before: str, after: str, wrong: str
) -> None:
    assert pages.wrong_with(status, shown, before, after) == wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_an_address_is_known_for_its_page(page: pages.Page) -> None:
    address = page.path.replace("{", "1").replace("}", "")
    assert pages.page_at(f"{address}?lang=da") is page


@pytest.mark.parametrize("link", ["/login", "/kunder.xlsx", "/kunde/1/regnskab.pdf", "/static/page.css?v=1"])
def test_papers_and_files_are_no_pages(link: str) -> None:
    assert pages.page_at(link) is None


def test_every_kind_of_page_of_everybody_is_drawn_as_often() -> None:
    client = httpx2.AsyncClient()
    few = {"kpis": ["/kpi"], "customer": [f"/kunde/{number}" for number in range(500)]}
    people = [Somebody("finance", client, few), Somebody("manager", client, few)]
    chance = random.Random(1)
    drawn = [pages.drawn(people, chance) for _ in range(4_000)]
    for role in ("finance", "manager"):
        for page in few:
            share = sum((each.somebody.role, each.page) == (role, page) for each in drawn) / len(drawn)
            assert share == pytest.approx(0.25, abs=0.03)
    assert {each.language for each in drawn} == {"da", "en"}
    assert len({each.address for each in drawn}) > 400


@pytest.mark.parametrize(("per_cent", "value"), [(0, 1), (50, 3), (95, 5), (100, 5), (40, 2), (41, 3)])
def test_a_percentile_is_one_of_the_values(per_cent: float, value: float) -> None:
    assert pages.percentile([5, 3, 1, 2, 4], per_cent) == value


@pytest.mark.parametrize(
    ("seconds", "size", "memory", "holds"),
    [
        (QUICK, 9_000, [100, 104, 102, 103], [True, True, True]),
        (QUICK + SLOW, 9_000, [100, 104, 102, 103], [True, True, True]),
        (QUICK + 2 * SLOW, 9_000, [100, 104, 102, 103], [False, True, True]),
        (QUICK, 500_001, [100, 104, 102, 103], [True, False, True]),
        (QUICK, 9_000, [100, 100, 106, 106], [True, True, False]),
    ],
)
def test_each_target_can_fail(seconds: list[float], size: int, memory: list[int], holds: list[bool]) -> None:
    assert [*Measured(answers(seconds, size), memory).targets().values()] == holds
