"""What holds of every request: headers, limits, paths, the proxy's word, and errors that tell nothing."""

from __future__ import annotations

import logging
from dataclasses import MISSING, fields

import pytest
from browsers import COMPANY, FRAME, PASSWORD, Browser, Clock, opened

from kunderegnskab.problems import InputProblems
from kunderegnskab.web import app, frame_pages
from kunderegnskab.web.routes import Route
from kunderegnskab.web.users import User, Users
from kunderegnskab.web.visit import FORM_TOKEN
from kunderegnskab.workspace import Workspace

pytestmark = pytest.mark.quick
_PROXY = "web: {proxy: {addresses: [10.1.2.3, 10.9.0.0/16, 'fd00::5'], header: X-Remote-User}}\n"


@pytest.fixture
def browser(workspace: Workspace, users: Users, clock: Clock) -> Browser:
    return opened(workspace, clock=clock)


def behind_proxy(workspace: Workspace, clock: Clock) -> Browser:
    (workspace.root / "company.yaml").write_text(COMPANY + _PROXY, encoding="utf-8")
    return opened(Workspace(workspace.root), clock=clock)


def test_every_answer_has_the_headers(browser: Browser) -> None:
    asked = {
        200: [browser.get("/login"), browser.get("/login", headers={"Accept-Encoding": "gzip"})],
        303: [browser.get("/")],
        404: [browser.get("/none"), browser.get("/static/x")],
        405: [browser.post("/")],
        400: [browser.get("/", headers={"Host": "elsewhere.example"})],
    }
    browser.sign_in("anne", PASSWORD)
    asked[200] += [browser.get("/"), browser.head("/")]
    asked |= {
        500: [browser.get("/fail")],
        415: [browser.post("/write")],
        414: [browser.get("/?" + "x" * 5000)],
    }
    answers = [answer for group in asked.values() for answer in group]
    assert [answer.status_code for answer in answers] == [code for code in asked for _ in asked[code]]
    for answer in answers:
        assert answer.headers.items() >= {key.lower(): value for key, value in app.HEADERS.items()}.items()
    assert all(
        answer.headers["cache-control"] == "no-store" for answer in answers if answer.status_code != 400
    )
    assert "unsafe" not in app.HEADERS["Content-Security-Policy"]


def test_a_fault_of_the_program_is_a_page_that_tells_nothing_of_it(browser: Browser) -> None:
    browser.sign_in("anne", PASSWORD)
    answer = browser.get("/fail")
    assert "Noget gik galt" in answer.text
    assert "secret" not in answer.text


def test_what_is_damaged_is_said_to_who_runs_the_page(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    browser.sign_in("anne", PASSWORD)
    answer = browser.get("/refuse")
    assert (answer.status_code, "published/0001" in answer.text) == (503, False)
    assert "published/0001: was changed; restore it from a backup." in caplog.text


def test_what_is_large_is_compressed(browser: Browser) -> None:
    assert browser.get("/login", headers={"Accept-Encoding": "gzip"}).headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    "host", ["elsewhere.example", "127.0.0.1.elsewhere.example", "", "[::2]", "kunder.example.dk"]
)
def test_a_name_that_is_not_the_companys_is_refused(browser: Browser, host: str) -> None:
    assert browser.get("/login", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "Localhost"])
def test_the_names_of_this_machine_are_known(browser: Browser, host: str) -> None:
    assert browser.get("/login", headers={"Host": host}).status_code == 200


def test_huge_parameters_are_refused(browser: Browser) -> None:
    browser.sign_in("anne", PASSWORD)
    token = browser.token("/")
    assert browser.get("/customers/" + "1" * 2000).status_code == 414
    assert browser.get("/customers/1", params={"q": "x" * 5000}).status_code == 414
    assert browser.post("/write", data={FORM_TOKEN: token, "text": "x" * 70_000}).status_code == 413
    assert (
        browser.post("/write", data={FORM_TOKEN: token} | {f"f{n}": "" for n in range(300)}).status_code
        == 400
    )
    assert browser.post("/write", data={FORM_TOKEN: token, "text": "x" * 60_000}).status_code == 200
    assert browser.get("/", headers={"cookie": "kunderegnskab=" + "x" * 9000}).status_code == 303


def test_a_form_is_read_as_a_form_only(browser: Browser) -> None:
    browser.sign_in("anne", PASSWORD)
    token = browser.token("/")
    assert browser.post("/write", json={FORM_TOKEN: token}).status_code == 415
    assert browser.post("/write", files={FORM_TOKEN: (None, token)}).status_code == 415
    as_form = {"content-type": "application/x-www-form-urlencoded"}
    for body in (b"\xff=1", b"text=%ff", b"text=%00", b"text=%1b[2J"):
        assert browser.post("/write", content=body, headers=as_form).status_code == 400, body


@pytest.mark.parametrize(
    "path", ["/customers/%00", "/customers/1?q=%00", "/customers/1?%1b=1", "/customers/%0d%0aX:1"]
)
def test_characters_that_steer_are_refused(browser: Browser, path: str) -> None:
    browser.sign_in("anne", PASSWORD)
    assert browser.get(path).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/templates/base.html.j2",
        "/static/",
        "/../company.yaml",
        "/state/web/users.json",
    ],
)
def test_no_path_leads_out_of_what_pages_load(browser: Browser, path: str) -> None:
    for who in (browser, browser.another()):
        assert who.get(path).status_code == 404
        who.sign_in("anne", PASSWORD)


def test_a_loaded_file_is_kept_under_the_address_of_its_version_and_carries_no_cookie(
    browser: Browser, clock: Clock
) -> None:
    frame = browser.frame
    frame.static["page.css"] = app.StaticFile(b"p {}", "text/css", "abc")
    browser.sign_in("anne", PASSWORD)
    clock.wait(120)
    answer = browser.get(frame.static_address("page.css"))
    assert (answer.text, answer.headers["content-type"]) == ("p {}", "text/css; charset=utf-8")
    assert "immutable" in answer.headers["cache-control"]
    assert "set-cookie" not in answer.headers
    assert browser.get("/static/page.css?v=old").headers["cache-control"] == "no-cache"


def test_a_role_opens_its_routes_only(browser: Browser) -> None:
    browser.sign_in("bo", PASSWORD)
    assert browser.get("/ledger").status_code == 403
    assert browser.get("/").text.startswith("bo is salesperson")
    browser.another()
    other = browser.another()
    other.sign_in("anne", PASSWORD)
    assert other.get("/ledger").status_code == 200


def test_only_get_opens_and_only_post_writes(browser: Browser) -> None:
    browser.sign_in("anne", PASSWORD)
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        assert browser.request(method, "/").status_code == 405
    assert browser.get("/write").status_code == 405


# --- the proxy ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("peer", ["10.1.2.3", "10.9.250.1", "fd00::5", "::ffff:10.1.2.3"])
def test_the_proxy_says_who_somebody_is(workspace: Workspace, users: Users, clock: Clock, peer: str) -> None:
    browser = behind_proxy(workspace, clock).another(peer=peer)
    assert browser.get("/", headers={"X-Remote-User": "BO"}).text.startswith("bo is salesperson")
    assert browser.get("/ledger", headers={"X-Remote-User": "bo"}).status_code == 403
    assert browser.sees is None


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.2.4", "::1", "testclient", "fd00::6", "::ffff:10.1.2.4"])
def test_others_cannot_say_who_they_are(
    workspace: Workspace, users: Users, clock: Clock, caplog: pytest.LogCaptureFixture, peer: str
) -> None:
    browser = behind_proxy(workspace, clock).another(peer=peer)
    for _ in range(3):
        assert browser.get("/", headers={"X-Remote-User": "anne"}).status_code == 303
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told == [f"{peer} sends the header of the proxy and is none of its addresses; it is ignored"]


def test_who_says_to_come_from_the_proxy_is_not_believed(
    workspace: Workspace, users: Users, clock: Clock
) -> None:
    browser = behind_proxy(workspace, clock)
    claims = {
        "X-Remote-User": "anne",
        "X-Forwarded-For": "10.1.2.3",
        "X-Real-IP": "10.1.2.3",
        "Forwarded": "for=10.1.2.3",
    }
    assert browser.get("/", headers=claims).status_code == 303


def test_a_header_that_comes_twice_is_nobodys(workspace: Workspace, users: Users, clock: Clock) -> None:
    browser = behind_proxy(workspace, clock).another(peer="10.1.2.3")
    twice = [("X-Remote-User", "anne"), ("X-Remote-User", "bo")]
    assert browser.get("/", headers=twice).status_code == 303


def test_without_a_proxy_in_the_configuration_no_header_counts(browser: Browser) -> None:
    assert browser.get("/", headers={"X-Remote-User": "anne"}).status_code == 303


def test_whom_the_proxy_knows_and_nobody_has_added_sees_nothing(
    workspace: Workspace, users: Users, clock: Clock
) -> None:
    answer = (
        behind_proxy(workspace, clock)
        .another(peer="10.1.2.3")
        .get("/", headers={"X-Remote-User": "<b>eva</b>"})
    )
    assert answer.status_code == 403
    assert "&lt;b&gt;eva&lt;/b&gt; er ikke oprettet som bruger her" in answer.text


def test_a_form_made_for_one_user_is_not_another_ones(
    workspace: Workspace, users: Users, clock: Clock
) -> None:
    """The proxy signs in somebody else in the same browser."""
    browser = behind_proxy(workspace, clock).another(peer="10.1.2.3")
    browser.headers["X-Remote-User"] = "bo"
    token = browser.token("/")
    assert browser.post("/write", data={FORM_TOKEN: token}).status_code == 200
    browser.headers["X-Remote-User"] = "anne"
    assert browser.post("/write", data={FORM_TOKEN: token}).status_code == 403


def test_attempts_count_for_where_the_proxy_says_they_come_from(
    workspace: Workspace, users: Users, clock: Clock
) -> None:
    browser = behind_proxy(workspace, clock)
    frame = browser.frame
    for number in range(30):
        frame.attempts.begin(f"user {number}", "192.0.2.7")
    proxied = browser.another(peer="10.1.2.3")
    for forwarded, code in (("192.0.2.7", 429), ("192.0.2.8, 192.0.2.7", 429), ("192.0.2.7, 192.0.2.8", 303)):
        proxied.headers["X-Forwarded-For"] = forwarded
        assert proxied.sign_in("anne", PASSWORD).status_code == code
        proxied.cookies.clear()
    forging = browser.another(peer="192.0.2.7")
    forging.headers["X-Forwarded-For"] = "192.0.2.8"
    assert forging.sign_in("bo", PASSWORD).status_code == 429


@pytest.mark.parametrize(
    ("web", "said"),
    [
        ("proxy: {addresses: [0.0.0.0/0], header: X-Remote-User}", "0.0.0.0/0 is every address"),
        ("proxy: {addresses: [intern], header: X-Remote-User}", "intern is no address such as 10.0.0.5"),
        ("proxy: {addresses: [], header: X-Remote-User}", "web.proxy.addresses"),
        ("proxy: {addresses: [10.0.0.5], header: 'X User'}", "web.proxy.header"),
        ("hosts: ['*']", "web.hosts.0"),
        ("access_log_days: 0", "web.access_log_days"),
        ("proxi: {}", "the key web.proxi is not known; remove it, or use one of hosts, proxy,"),
    ],
)
def test_a_configuration_that_would_let_everybody_in_is_refused(
    workspace: Workspace, web: str, said: str
) -> None:
    (workspace.root / "company.yaml").write_text(COMPANY + f"web: {{{web}}}\n", encoding="utf-8")
    with pytest.raises(InputProblems, match=said):
        Workspace(workspace.root).company  # noqa: B018


def test_what_the_page_needs_is_no_part_of_a_publication(workspace: Workspace) -> None:
    (workspace.root / "company.yaml").write_text(COMPANY + _PROXY, encoding="utf-8")
    assert "web" not in Workspace(workspace.root).company.parameters()


# --- the table of routes --------------------------------------------------------------------------------------


def test_no_route_is_without_roles() -> None:
    by_name = {field.name: field for field in fields(Route)}
    assert by_name["roles"].default is MISSING
    assert by_name["roles"].default_factory is MISSING


def test_only_the_frames_own_routes_are_open_to_strangers() -> None:
    from kunderegnskab.web.routes import ROUTES

    assert {route.handler for route in ROUTES if route.is_open} <= {
        *(frame_pages.sign_in_form, frame_pages.sign_in, frame_pages.sign_out, frame_pages.static_file)
    }
    assert {route.path for route in FRAME if route.is_open} == {"/login", "/logout", "/static/{file:path}"}


def test_users_of_the_proxy_have_no_password_to_guess(
    workspace: Workspace, users: Users, clock: Clock
) -> None:
    users.add(User(name="eva", role="audit"), None)
    browser = opened(workspace, clock=clock)
    for password in ("", "None", PASSWORD):
        assert browser.sign_in("eva", password).status_code == 401
