"""Who saw what: what a line says, what it never says, and how long it is kept."""

from __future__ import annotations

import json
import os
import stat
import threading
from datetime import UTC, datetime

import pytest
from browsers import COMPANY, FRAME, PASSWORD, Clock, opened
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from test_users import user

from kunderegnskab.feeds import load_feeds
from kunderegnskab.problems import InputProblems
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.web import seen
from kunderegnskab.web.names import CUSTOMER_COLUMNS, SALESPERSON_COLUMNS, customers_of, salespeople_of
from kunderegnskab.web.routes import EVERYBODY, Route
from kunderegnskab.web.users import Users
from kunderegnskab.web.visit import FORM_TOKEN, visit_of
from kunderegnskab.workspace import Workspace

pytestmark = pytest.mark.quick
_ANNE = Viewer("anne", "finance")


def hidden(request: Request, viewer: Viewer, reader: object) -> Response:
    raise HTTPException(404)


def listed(request: Request, viewer: Viewer, reader: object) -> Response:
    visit_of(request).saw(customers=["1", "2"], salespeople=["S-1"])
    return PlainTextResponse("")


_ROUTES = (*FRAME, Route("/hidden/{customer_id}", hidden, EVERYBODY), Route("/list", listed, EVERYBODY))


def test_a_line_says_who_saw_which_customer_and_when(
    workspace: Workspace, users: Users, clock: Clock
) -> None:
    browser = opened(workspace, _ROUTES, clock=clock)
    browser.get("/customers/17")
    browser.sign_in("bo", PASSWORD)
    for path in (
        "/customers/17?q=Bageri",
        "/hidden/Nordbyens%20Bageri",
        "/ledger",
        "/list",
        "/none",
        "/fail",
        "/login",
    ):
        browser.get(path)
    browser.post("/write", data={FORM_TOKEN: browser.token("/"), "text": "Nordbyens Bageri"})
    at = datetime.fromtimestamp(clock.now, UTC).isoformat()
    assert seen.read(workspace) == [
        seen.Line(at, "bo", "salesperson", "/customers/{customer_id}", "seen", ("17",)),
        seen.Line(at, "bo", "salesperson", "/hidden/{customer_id}", "refused"),
        seen.Line(at, "bo", "salesperson", "/ledger", "refused"),
        seen.Line(at, "bo", "salesperson", "/list", "seen", ("1", "2"), ("S-1",)),
        seen.Line(at, "bo", "salesperson", "/", "seen"),
        seen.Line(at, "bo", "salesperson", "/write", "changed"),
    ]
    file = next((workspace.state / "web" / "seen").glob("*.jsonl"))
    assert "Bageri" not in file.read_text(encoding="utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_cannot_be_noted_is_not_shown(workspace: Workspace, users: Users, clock: Clock) -> None:
    browser = opened(workspace, _ROUTES, clock=clock)
    browser.sign_in("anne", PASSWORD)
    day = datetime.fromtimestamp(clock.now, UTC).date()
    (workspace.state / "web" / "seen" / f"{day}.jsonl").mkdir()
    answer = browser.get("/customers/17")
    assert (answer.status_code, "anne is" in answer.text) == (503, False)


def test_a_line_that_a_full_disk_cuts_is_not_shown_and_spoils_no_other(
    workspace: Workspace, users: Users, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = opened(workspace, _ROUTES, clock=clock)
    browser.sign_in("anne", PASSWORD)
    assert browser.get("/customers/17").status_code == 200
    with monkeypatch.context() as full:
        write = os.write
        full.setattr(seen.os, "write", lambda file, data: write(file, data[: len(data) // 2]))
        log = browser.frame.seen
        with pytest.raises(OSError, match="No space left on device"):
            log.note(_ANNE, "/", "seen")
    assert browser.get("/customers/18").status_code == 200
    file = next((workspace.state / "web" / "seen").glob("*.jsonl"))
    lines = file.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["customers"] for line in (lines[0], lines[2])] == [["17"], ["18"]]
    with pytest.raises(InputProblems, match="line 2 is not as it was written"):
        seen.read(workspace)


def test_lines_are_kept_as_long_as_the_company_says(workspace: Workspace, clock: Clock) -> None:
    (workspace.root / "company.yaml").write_text(COMPANY + "web: {access_log_days: 30}\n", encoding="utf-8")
    kept = Workspace(workspace.root)
    log = seen.Seen(kept, clock)
    log.note(_ANNE, "/", "seen")
    first = seen.read(kept)
    other = kept.state / "web" / "seen" / "notes.jsonl"
    other.write_text("")
    clock.wait(30 * 86_400)
    log.note(_ANNE, "/", "seen")
    assert seen.read(kept)[0] == first[0]
    clock.wait(86_400)
    seen.Seen(kept, clock)
    assert [line.at for line in seen.read(kept)] == [
        datetime.fromtimestamp(clock.now - 86_400, UTC).isoformat()
    ]
    # A server that runs on for years prunes, too.
    clock.wait(31 * 86_400)
    log.note(_ANNE, "/", "seen")
    assert len(seen.read(kept)) == 1
    assert other.exists()


def test_lines_of_many_at_once_do_not_mix(workspace: Workspace, clock: Clock) -> None:
    logs = [seen.Seen(workspace, clock) for _ in range(2)]
    threads = [
        threading.Thread(
            target=lambda log=log: [log.note(_ANNE, "/x" * 200, "seen", ["1"] * 50) for _ in range(50)]
        )
        for log in logs * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen.read(workspace)) == 200


def test_the_command_prints_who_saw_a_customer(workspace: Workspace, clock: Clock) -> None:
    log = seen.Seen(workspace, clock)
    log.note(_ANNE, "/customers/{customer_id}", "seen", ["17"])
    log.note(Viewer("bo", "salesperson", "S-1"), "/customers/{customer_id}", "seen", ["18"], ["S-1"])
    at = ("--workspace", workspace.root)
    shown = user("seen", "--customer", "17", *at).stdout
    assert shown == "2027-01-15T08:00:00+00:00  anne (finance)  seen  /customers/{customer_id}  17\n"
    assert [each["user"] for each in json.loads(user("seen", "--json", *at).stdout)["seen"]] == ["anne", "bo"]
    assert "bo (salesperson)" in user("seen", "--salesperson", "S-1", *at).stdout
    assert user("seen", "--user", "eva", *at).stdout == "Nothing is noted of that.\n"


def test_a_line_that_was_changed_is_said(workspace: Workspace, clock: Clock) -> None:
    seen.Seen(workspace, clock).note(_ANNE, "/", "seen")
    file = next((workspace.state / "web" / "seen").glob("*.jsonl"))
    file.write_text(file.read_text() + "[]\n")
    with pytest.raises(InputProblems, match="line 2 is not as it was written"):
        seen.read(workspace)


def test_every_column_of_a_feed_that_names_a_customer_or_salesperson_is_noted() -> None:
    for feed in load_feeds().values():
        for name, column in feed.columns.items():
            if column.personal == "customer" and name.endswith("_id"):
                assert name in CUSTOMER_COLUMNS, f"{feed.name}.{name}"
            elif column.personal == "salesperson_key" and not column.personal_when:
                assert name in SALESPERSON_COLUMNS, f"{feed.name}.{name}"


def test_what_figures_are_of_is_noted_as_whom_it_names() -> None:
    keys = [
        {"scope_type": "customer", "scope_id": "17"},
        {"scope_type": "chain", "scope_id": "18", "customer_id": None},
        {"scope_type": "salesperson", "scope_id": "S-1"},
        {"scope_type": "salesperson_segment", "scope_id": "S-2 / A1"},
        {"scope_type": "team", "scope_id": "Øst"},
        {"customer_id": "19", "salesperson_id": "S-3"},
    ]
    assert list(customers_of(keys)) == ["17", "18", "19"]
    assert list(salespeople_of(keys)) == ["S-1", "S-2", "S-3"]
