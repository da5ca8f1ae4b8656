"""Signing in and out, sessions, forms: who the server takes a browser for, and when not any more."""

from __future__ import annotations

import re
import threading

import pytest
from browsers import PASSWORD, Browser, Clock, opened

from kunderegnskab.web import attempts
from kunderegnskab.web import users as users_module
from kunderegnskab.web.users import User, Users
from kunderegnskab.web.visit import FORM_TOKEN
from kunderegnskab.workspace import Workspace

pytestmark = pytest.mark.quick
_COOKIE = "kunderegnskab"


@pytest.fixture
def browser(workspace: Workspace, users: Users, clock: Clock) -> Browser:
    return opened(workspace, clock=clock)


def test_who_has_not_signed_in_is_sent_to_the_form_and_then_to_the_page_wanted(browser: Browser) -> None:
    sent = browser.get("/customers/17?lang=en")
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=%2Fcustomers%2F17%3Flang%3Den")
    form = browser.get(sent.headers["location"])
    assert 'value="/customers/17?lang=en"' in form.text
    answer = browser.sign_in("Anne", PASSWORD, next="/customers/17?lang=en")
    assert (answer.status_code, answer.headers["location"]) == (303, "/customers/17?lang=en")
    assert browser.sees == "anne"
    assert browser.get("/login").status_code == 303


@pytest.mark.parametrize(
    "wanted",
    ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:1", "/a b", ""],
)
def test_nobody_is_sent_elsewhere_after_signing_in(browser: Browser, wanted: str) -> None:
    assert browser.sign_in("anne", PASSWORD, next=wanted).headers["location"] == "/"


def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(browser: Browser) -> None:
    answers = [browser.sign_in(name, "en anden adgangskode") for name in ("anne", "nobody")]
    assert [answer.status_code for answer in answers] == [401, 401]
    texts = {
        re.sub(rf'(name="{FORM_TOKEN}" value=|id="name" name="name" value=)"[^"]*"', "", answer.text)
        for answer in answers
    }
    assert len(texts) == 1
    assert "Bruger og adgangskode passer ikke sammen." in texts.pop()
    assert browser.sees is None


def test_an_unknown_user_takes_as_long(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in hashes, as a clock would be right on a quiet machine only."""
    users.add(User(name="of the proxy", role="audit"), None)
    asked: list[str] = []

    class Asked:
        """The hasher, and what it is asked."""

        def __init__(self) -> None:
            self._hasher = users_module._HASHER

        def verify(self, known: str, given: str) -> bool:
            asked.append(known)
            return self._hasher.verify(known, given)

    monkeypatch.setattr(users_module, "_HASHER", Asked())
    for name in ("anne", "nobody", "of the proxy"):
        assert users.verified(name, "en anden adgangskode") is None
    assert len(asked) == 3
    assert len({known.rsplit("$", 2)[0] for known in asked}) == 1  # the same kind, version and parameters


def test_a_name_can_be_tried_five_times_in_a_quarter(browser: Browser, clock: Clock) -> None:
    for _ in range(attempts.PER_NAME):
        assert browser.sign_in("anne", "forkert adgangskode").status_code == 401
    refused = browser.another(peer="10.0.0.9").sign_in("ANNE", PASSWORD)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "901")
    assert browser.sign_in("bo", PASSWORD).status_code == 303
    clock.wait(attempts.SECONDS)
    assert browser.another().sign_in("anne", PASSWORD).status_code == 303


def test_an_unknown_name_is_locked_like_a_known_one(browser: Browser) -> None:
    codes = [browser.sign_in("nobody", "forkert adgangskode").status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]


def test_an_address_can_try_thirty_names(browser: Browser) -> None:
    for number in range(attempts.PER_ADDRESS):
        assert browser.frame.attempts.begin(f"user {number}", "127.0.0.1") == 0
    assert browser.sign_in("anne", PASSWORD).status_code == 429
    assert browser.another(peer="10.0.0.9").sign_in("anne", PASSWORD).status_code == 303


def test_many_attempts_at_once_are_no_way_around(clock: Clock) -> None:
    """An attempt counts before the password is looked at."""
    counted = attempts.Attempts(clock)
    waits: list[int] = []
    threads = [
        threading.Thread(target=lambda: waits.append(counted.begin("anne", "127.0.0.1"))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(wait == 0 for wait in waits) == attempts.PER_NAME


def test_who_signs_in_often_is_not_locked_out(browser: Browser) -> None:
    assert {browser.another().sign_in("anne", PASSWORD).status_code for _ in range(8)} == {303}


def test_a_whole_office_signs_in_from_one_address(clock: Clock) -> None:
    counted = attempts.Attempts(clock)
    for number in range(2 * attempts.PER_ADDRESS):
        assert counted.begin(f"user {number}", "10.0.0.1") == 0
        counted.succeeded(f"user {number}", "10.0.0.1")


def test_what_anybody_types_does_not_fill_the_memory(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_REMEMBERED", 10)
    counted = attempts.Attempts(clock)
    for number in range(100):
        counted.begin(f"user {number}", f"address {number}")
    assert len(counted._at) == 10


def test_a_session_is_another_one_after_signing_in(browser: Browser) -> None:
    browser.token()
    before = browser.cookies[_COOKIE]
    browser.sign_in("anne", PASSWORD)
    after = browser.cookies[_COOKIE]
    first, second = map(browser.frame.sessions.read, (before, after))
    assert first is not None
    assert second is not None
    assert first.id != second.id
    stranger = browser.another()
    stranger.cookies.set(_COOKIE, before)
    assert stranger.sees is None


def test_a_session_ends_when_it_is_unused_for_an_hour(browser: Browser, clock: Clock) -> None:
    browser.sign_in("anne", PASSWORD)
    for _ in range(3):
        clock.wait(59 * 60)
        assert browser.sees == "anne"
    clock.wait(61 * 60)
    assert browser.sees is None


def test_a_session_ends_after_twelve_hours_however_often_it_is_used(browser: Browser, clock: Clock) -> None:
    browser.sign_in("anne", PASSWORD)
    for _ in range(24):
        clock.wait(30 * 60)
        assert browser.sees == "anne"
    clock.wait(60)
    assert browser.sees is None


def test_a_company_says_how_long_a_session_lasts(workspace: Workspace, users: Users, clock: Clock) -> None:
    file = workspace.root / "company.yaml"
    file.write_text(file.read_text() + "web: {idle_minutes: 5, session_hours: 1}\n")
    browser = opened(Workspace(workspace.root), clock=clock)
    browser.sign_in("anne", PASSWORD)
    clock.wait(301)
    assert browser.sees is None


def test_nothing_opens_with_a_cookie_that_was_kept_from_before_signing_out(browser: Browser) -> None:
    browser.sign_in("anne", PASSWORD)
    kept = browser.cookies[_COOKIE]
    answer = browser.post("/logout", data={FORM_TOKEN: browser.token("/")})
    assert answer.headers["location"] == "/login"
    assert _COOKIE not in browser.cookies
    thief = browser.another()
    thief.cookies.set(_COOKIE, kept)
    assert thief.sees is None


def test_each_page_has_the_form_to_sign_out_of_who_has_signed_in(browser: Browser) -> None:
    assert "/logout" not in browser.get("/login").text
    browser.sign_in("anne", PASSWORD)
    page = browser.get("/refuse")
    assert 'action="/logout"' in page.text
    token = re.search(rf'name="{FORM_TOKEN}" value="([^"]+)"', page.text)
    assert token
    assert browser.post("/logout", data={FORM_TOKEN: token[1]}).status_code == 303
    assert browser.sees is None


def test_a_page_without_a_form_sets_no_cookie(browser: Browser) -> None:
    assert "set-cookie" not in browser.get("/none").headers
    browser.sign_in("anne", PASSWORD)
    for path in ("/none", "/" + "x" * 2000, "/login/x"):
        assert browser.get(path).status_code >= 400
        assert browser.sees == "anne"


@pytest.mark.parametrize("change", ["remove", "password", "added again"])
def test_a_session_ends_with_its_user_or_password(
    browser: Browser, workspace: Workspace, change: str
) -> None:
    """Another process changes it, while the server runs."""
    browser.sign_in("anne", PASSWORD)
    assert browser.sees == "anne"
    elsewhere = Users(workspace)
    if change == "password":
        elsewhere.set_password("anne", "en helt anden adgangskode")
    else:
        elsewhere.remove("anne")
    if change == "added again":
        elsewhere.add(User(name="anne", role="audit"), PASSWORD)
    assert browser.sees is None


def test_a_forged_or_foreign_cookie_opens_nothing(
    browser: Browser, workspace: Workspace, clock: Clock
) -> None:
    browser.sign_in("anne", PASSWORD)
    real = browser.cookies[_COOKIE]
    (workspace.state / "web" / "secret.key").unlink()
    with_other_secret = opened(workspace, clock=clock)
    body, _, signature = real.rpartition(".")
    other = "A" if signature[9] != "A" else "B"
    forged = [f"{body}.{signature[:9]}{other}{signature[10:]}", body, "", "x" * 5000, "%C3%A6", f"x{real}"]
    for cookie in forged:
        assert browser.another().get("/", headers={"cookie": f"{_COOKIE}={cookie}"}).status_code == 303, (
            cookie
        )
    assert with_other_secret.get("/", headers={"cookie": f"{_COOKIE}={real}"}).status_code == 303
    assert browser.sees == "anne"


def test_a_cookie_is_for_this_host_and_no_script(browser: Browser) -> None:
    kept = browser.get("/login").headers["set-cookie"]
    assert kept.startswith("kunderegnskab=")
    assert kept.partition(";")[2] == " HttpOnly; Path=/; SameSite=lax"


def test_a_cookie_that_goes_over_a_network_is_secure(
    workspace: Workspace, users: Users, clock: Clock
) -> None:
    away = opened(workspace, clock=clock, hosts=("kunder.example.dk",)).another("https://kunder.example.dk")
    kept = away.get("/login?lang=en").headers.get_list("set-cookie")
    assert [each.partition("=")[0] for each in kept] == ["__Host-kunderegnskab", "lang"]
    assert all("Secure" in each and "Path=/" in each for each in kept)
    assert away.sign_in("anne", PASSWORD).status_code == 303
    assert away.sees == "anne"


def test_a_form_without_the_sessions_token_is_refused(browser: Browser) -> None:
    browser.sign_in("anne", PASSWORD)
    token = browser.token("/")
    assert browser.post("/write", data={FORM_TOKEN: token, "text": "æøå"}).text == "anne wrote æøå"
    other = browser.another()
    other.sign_in("anne", PASSWORD)
    stranger = browser.another().token()
    for foreign in ("", "x", ".", token[:-1], token + "0", "æ.ø", other.token("/"), stranger):
        refused = browser.post("/write", data={FORM_TOKEN: foreign, "text": "x"})
        assert refused.status_code == 403, foreign
        assert "Formularen gælder ikke længere" in refused.text
    assert browser.post("/write", data={"text": "x"}).status_code == 403
    assert browser.sees == "anne"


def test_a_form_that_another_site_sends_is_refused(browser: Browser) -> None:
    browser.sign_in("anne", PASSWORD)
    token = browser.token("/")
    for site, code in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
        answer = browser.post("/write", data={FORM_TOKEN: token}, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == code, site


def test_signing_in_needs_the_token_too(browser: Browser) -> None:
    browser.token()
    assert browser.post("/login", data={"name": "anne", "password": PASSWORD}).status_code == 403
    foreign = {FORM_TOKEN: browser.another().token(), "name": "anne", "password": PASSWORD}
    assert browser.post("/login", data=foreign).status_code == 403
    assert browser.another().post("/logout", data={"text": "x"}).status_code == 403


def test_a_token_is_another_text_each_time(browser: Browser) -> None:
    assert browser.token() != browser.token()


def test_opened_as_everybody_is_that_viewer(workspace: Workspace, clock: Clock) -> None:
    viewer = User(name="--open-as", role="manager", team="Øst").viewer
    browser = opened(workspace, clock=clock, open_as=viewer, hosts=("kunder.example.dk",))
    assert browser.sees == "--open-as"
    assert browser.get("/ledger").status_code == 403
    # Another site that has its name lead here is not let in.
    assert browser.another("http://kunder.example.dk").get("/").status_code == 400
    page = browser.get("/customers/x/y")
    assert page.status_code == 404


def test_a_damaged_file_of_users_lets_nobody_in(
    browser: Browser, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    browser.sign_in("anne", PASSWORD)
    (workspace.state / "web" / "users.json").write_text('{"users": [{"name": "anne", "role": "boss"}]}')
    answer = browser.get("/")
    assert (answer.status_code, browser.another().get("/login").status_code) == (503, 200)
    assert "boss" not in answer.text
    assert "state/web/users.json: was changed and cannot be read any more (users.0.role:" in caplog.text


def test_the_address_is_in_no_other_language_than_asked(browser: Browser) -> None:
    def title(**headers: str) -> str:
        return (
            browser.another().get("/login", headers=headers).text.partition("<h1>")[2].partition("</h1>")[0]
        )

    assert title() == "Log ind"
    assert title(**{"Accept-Language": "en-GB,en;q=0.9,da;q=0.8"}) == "Sign in"
    assert title(**{"Accept-Language": "de,da;q=0.8,en;q=0.7"}) == "Log ind"
    assert title(**{"Accept-Language": "de;q=x, ;;;, fr"}) == "Log ind"
    english = browser.another()
    assert "Sign in" in english.get("/login?lang=en").text
    assert "Sign in" in english.get("/login", headers={"Accept-Language": "da"}).text
    assert "Log ind" in english.get("/login?lang=da").text
    assert "Log ind" in english.get("/login?lang=xx").text
