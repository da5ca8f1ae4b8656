"""The pages in a real browser: both languages, wide and on a phone, light and dark, without a sound.

One walk: what is asked of single pages without a browser stands in test_pages.py.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from chromium import chromium, served
from looking import Looking
from playwright.sync_api import Browser, Page, sync_playwright

from kunderegnskab.language import CODES, Code
from kunderegnskab.reading.scope import Role, Viewer
from kunderegnskab.web.app import Settings, application
from kunderegnskab.workspace import Workspace

WIDE, PHONE = (1280, 900), (360, 740)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


def page_of(company: Workspace, viewer: Viewer) -> AbstractContextManager[str]:
    """The page of the company as somebody sees it."""
    return served(application(company, Settings(open_as=viewer)))


@pytest.fixture(scope="module")
def address(readable_company: Workspace, looks: dict[Role, Looking]) -> Iterator[str]:
    """The page as finance sees it."""
    with page_of(readable_company, looks["finance"].viewer) as address:
        yield address


@contextmanager
def opened(
    browser: Browser, address: str, language: Code, size: tuple[int, int], scheme: str
) -> Generator[Page]:
    """A page on which no request leaves the address, and of which the console says nothing."""
    context = browser.new_context(
        locale={"da": "da-DK", "en": "en-GB"}[language],
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,  # ty: ignore[invalid-argument-type]
    )
    page = context.new_page()
    told, asked = [], []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    yield page
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert told == []
    context.close()


def violations(page: Page) -> list[str]:
    found = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    return [
        f"{each['id']}: {each['help']} ({each['nodes'][0]['html'][:200]})"
        for each in found.response["violations"]
    ]


@pytest.mark.parametrize(
    ("role", "language", "size", "scheme"),
    [
        ("finance", "da", WIDE, "light"),
        ("finance", "en", PHONE, "dark"),
        ("finance", "da", PHONE, "light"),
        ("finance", "en", WIDE, "dark"),
        ("salesperson", "da", PHONE, "light"),
        ("salesperson", "en", WIDE, "dark"),
        ("manager", "da", WIDE, "dark"),
        ("manager", "en", PHONE, "light"),
    ],
)
def test_every_page_can_be_read_by_everybody(
    browser: Browser,
    readable_company: Workspace,
    looks: dict[Role, Looking],
    role: Role,
    language: Code,
    size: tuple[int, int],
    scheme: str,
) -> None:
    with (
        page_of(readable_company, looks[role].viewer) as address,
        opened(browser, address, language, size, scheme) as page,
    ):
        for place in looks[role].addresses():
            page.goto(address + place)
            assert page.locator("html").get_attribute("lang") == language
            assert violations(page) == [], place
            # Wide tables move by themselves; the page stays.
            assert (
                page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                == 0
            ), place
            charts = page.locator("svg.chart:visible")
            assert charts.count() == len(
                [
                    each
                    for each in range(charts.count())
                    if (charts.nth(each).bounding_box() or {"width": 0})["width"] > 200
                ]
            )


@pytest.mark.parametrize("language", CODES)
def test_from_the_overview_to_a_raw_record(browser: Browser, address: str, language: Code) -> None:
    """Who loses money, why, what to do, and where the number comes from: by clicks alone."""
    words = {
        "da": (
            "Se kunderne med tab",
            "Det kan aftales",
            "Regnskabet",
            "Posterne i filerne",
            "Måned for måned",
        ),
        "en": (
            "See the customers with a loss",
            "What can be agreed",
            "The account",
            "The records of the files",
            "Month by month",
        ),
    }[language]
    with opened(browser, address, language, WIDE, "light") as page:
        page.goto(address)
        page.get_by_role("link", name=words[0]).click()
        loss = page.locator("tbody tr").first
        name = loss.locator("th a").inner_text()
        loss.locator("th a").click()
        assert page.locator("h1").inner_text() == name
        assert page.get_by_role("heading", name=re.compile(words[1])).is_visible()
        assert page.get_by_role("heading", name=words[2], exact=True).is_visible()
        page.locator("table.account tbody tr").first.locator("a").first.click()
        for _ in range(12):
            if page.get_by_role("heading", name=words[3]).count():
                break
            page.locator("ul.trace-parts a").first.click()
        assert page.get_by_role("heading", name=words[3]).is_visible()
        assert "landing/" in page.locator("article.record").first.inner_text()
        assert page.locator("article.record dl.raw dd").count() > 3


def test_by_keyboard_one_comes_past_the_menu_and_in_the_other_language(
    browser: Browser, address: str
) -> None:
    with opened(browser, address, "da", WIDE, "light") as page:
        page.goto(address)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('href')") == "#content"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
        page.get_by_role("link", name="English").click()
        assert page.locator("h1").inner_text() == "What has the year brought?"
        page.get_by_role("link", name="Customers", exact=True).click()
        assert page.locator("html").get_attribute("lang") == "en"
