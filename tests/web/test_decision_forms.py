"""What pages write: who may, where it stands, and that it is shown at once and to those who may see it."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime

import duckdb
import pytest
from browsers import PASSWORD, Browser, opened

from kunderegnskab.decisions.proposals import Proposals
from kunderegnskab.reading.scope import Role, Viewer
from kunderegnskab.web.routes import ROUTES
from kunderegnskab.web.users import User, Users
from kunderegnskab.web.visit import FORM_TOKEN
from kunderegnskab.workspace import Workspace


@pytest.fixture
def own(selling_company: Workspace, viewers: dict[Role, Viewer]) -> tuple[str, str]:
    """A customer of the salesperson with an action, and the action's driver."""
    with duckdb.connect(
        str(selling_company.published / "current" / "kunderegnskab.duckdb"), read_only=True
    ) as con:
        found = con.execute(
            """
            select customer_id, driver from marts.customer_actions
            where worth > 0 and customer_id in (
                select customer_id from marts.current_portfolio_accounts where salesperson_id = ?
            )
            order by action_rank limit 1
            """,
            [viewers["salesperson"].salesperson_id],
        ).fetchone()
    assert found is not None
    return found


@pytest.fixture
def staff(selling_company: Workspace, viewers: dict[Role, Viewer]) -> dict[Role, Browser]:
    """A browser of each role, signed in."""
    for role, viewer in viewers.items():
        Users(selling_company).add(
            User(name=viewer.name, role=role, salesperson_id=viewer.salesperson_id, team=viewer.team),
            PASSWORD,
        )
    server = opened(selling_company, ROUTES, without_readers=False)
    found = {role: server.another() for role in viewers}
    for role, browser in found.items():
        assert browser.sign_in(viewers[role].name, PASSWORD).status_code == 303
    return found


def post(browser: Browser, customer_id: str, what: str = "note", **fields: str) -> tuple[int, str]:
    token = browser.token(f"/kunde/{customer_id}" if browser.get(f"/kunde/{customer_id}").is_success else "/")
    answer = browser.post(f"/kunde/{customer_id}/{what}", data={FORM_TOKEN: token, **fields})
    return answer.status_code, answer.text


def written(workspace: Workspace, feed: str = "customer_notes") -> list[dict[str, str]]:
    file = workspace.policy / f"{feed}.csv"
    return list(csv.DictReader(file.open(encoding="utf-8", newline=""))) if file.exists() else []


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_what_is_written_is_shown_at_once_to_all_who_see_the_customer(
    selling_company: Workspace, staff: dict[Role, Browser], own: tuple[str, str], viewers: dict[Role, Viewer]
) -> None:
    customer_id, driver = own
    assert post(staff["salesperson"], customer_id, note="Vil åbne to nye steder <b>i maj</b>")[0] == 303
    assert post(staff["manager"], customer_id, driver=driver, decision="accepted", note="")[0] == 303
    assert (
        post(staff["finance"], customer_id, driver=driver, decision="rejected", note="Aftalt til juni")[0]
        == 303
    )
    assert [(each["written_by"], each["decision"], each["driver"]) for each in written(selling_company)] == [
        (viewers["salesperson"].salesperson_id, "", ""),
        ("leader", "accepted", driver),
        ("money", "rejected", driver),
    ]
    for browser in staff.values():
        page = browser.get(f"/kunde/{customer_id}?lang=en").text
        assert "Vil åbne to nye steder &lt;b&gt;i maj&lt;/b&gt;" in page
        # The newest decision on an action is the one that holds.
        (decision,) = re.findall(r'<p class="decision">(.*?)</p>', page)
        assert plain(decision).startswith("Rejected : money, ")
        assert "Aftalt til juni" in decision
        assert "from the next publication on" in decision


def test_a_form_that_is_refused_keeps_what_was_written(
    selling_company: Workspace, staff: dict[Role, Browser], own: tuple[str, str]
) -> None:
    customer_id, driver = own
    status, page = post(staff["salesperson"], customer_id, driver=driver, decision="rejected", note=" ")
    assert (status, page.count('role="alert"')) == (422, 1)
    assert f'<p role="alert" id="said-{driver}">Skriv en tekst.</p>' in page
    status, page = post(staff["salesperson"], customer_id, note="Ejeren: 280255-1234")
    assert (status, "Ejeren: 280255-1234</textarea>" in page) == (422, True)
    assert post(staff["salesperson"], customer_id, driver="unheard", decision="accepted")[0] == 422
    assert written(selling_company) == []


def test_auditors_write_nothing(
    selling_company: Workspace, staff: dict[Role, Browser], own: tuple[str, str]
) -> None:
    assert post(staff["audit"], own[0], note="Hej")[0] == 403
    assert "<textarea" not in staff["audit"].get(f"/kunde/{own[0]}").text
    assert written(selling_company) == []


def test_nobody_writes_on_customers_of_others(
    selling_company: Workspace, staff: dict[Role, Browser], viewers: dict[Role, Viewer]
) -> None:
    with duckdb.connect(
        str(selling_company.published / "current" / "kunderegnskab.duckdb"), read_only=True
    ) as con:
        (foreign,) = con.execute(
            "select min(customer_id) from marts.current_portfolio_accounts where customer_id not in ("
            "select customer_id from marts.current_portfolio_accounts where salesperson_id = ?)",
            [viewers["salesperson"].salesperson_id],
        ).fetchall()[0]
    assert post(staff["salesperson"], foreign, note="Hej")[0] == 404
    assert written(selling_company) == []


def test_a_form_of_another_session_or_site_writes_nothing(
    selling_company: Workspace, staff: dict[Role, Browser], own: tuple[str, str]
) -> None:
    address = f"/kunde/{own[0]}"
    theirs = staff["manager"].token(address)
    mine = staff["salesperson"].token(address)
    for fields, headers in (
        ({FORM_TOKEN: theirs}, {}),
        ({}, {}),
        ({FORM_TOKEN: mine}, {"sec-fetch-site": "cross-site"}),
    ):
        answer = staff["salesperson"].post(f"{address}/note", data={**fields, "note": "Hej"}, headers=headers)
        assert answer.status_code == 403
    assert written(selling_company) == []


def test_a_colleague_whom_the_viewer_may_not_name_stands_by_key(
    selling_company: Workspace, staff: dict[Role, Browser], own: tuple[str, str], viewers: dict[Role, Viewer]
) -> None:
    customer_id, _ = own
    with (selling_company.personal / "salespeople.csv").open(encoding="utf-8", newline="") as file:
        people = list(csv.DictReader(file))
    mine = viewers["salesperson"].salesperson_id
    other = next(each for each in people if each["pseudonym"] != mine and each["salesperson_name"])
    (selling_company.policy / "customer_notes.csv").write_text(
        f"note_id,customer_id,driver,decision,note,written_by,written_on\na,{customer_id},,,Fra før,"
        f"{other['salesperson_name']},2025-01-01\n",
        encoding="utf-8",
    )
    page = staff["salesperson"].get(f"/kunde/{customer_id}").text
    assert "Fra før" in page
    assert other["salesperson_name"] not in page
    assert other["salesperson_name"] in staff["finance"].get(f"/kunde/{customer_id}").text


# --- overrides ------------------------------------------------------------------------------------------------


def proposal(page: str) -> str:
    """The key of the first proposal that a page has a form for."""
    found = re.search(r'name="proposal" value="([^"]+)"', page)
    assert found, page
    return found[1]


def answer(browser: Browser, key: str, what: str, note: str = "") -> int:
    data = {FORM_TOKEN: browser.token("/"), "proposal": key, "answer": what, "note": note}
    return browser.post("/beslutninger", data=data).status_code


def overrides(workspace: Workspace, customer_id: str) -> list[dict[str, str]]:
    return [
        each
        for each in written(workspace, "segment_overrides")
        if each["customer_id"] == customer_id and each["decided_on"] > "2026-06"
    ]


def test_a_salespersons_override_waits_for_the_manager(
    selling_company: Workspace, staff: dict[Role, Browser], own: tuple[str, str], viewers: dict[Role, Viewer]
) -> None:
    customer_id, _ = own
    before = (selling_company.policy / "segment_overrides.csv").read_bytes()
    done = post(
        staff["salesperson"], customer_id, "gruppe", segment="A1", reason="Ny aftale", until="2099-12-31"
    )
    assert done[0] == 303
    assert (selling_company.policy / "segment_overrides.csv").read_bytes() == before
    assert "Waiting for approval" in staff["salesperson"].get(f"/kunde/{customer_id}?lang=en").text
    page = staff["manager"].get("/beslutninger").text
    assert "Ny aftale" in page
    assert 'href="/beslutninger"' in staff["manager"].get("/").text.partition('class="todo"')[2]
    key = proposal(page)
    # Nobody approves the own, and no auditor at all.
    assert answer(staff["salesperson"], key, "approve") == 403
    assert answer(staff["audit"], key, "approve") == 403
    assert answer(staff["manager"], "unheard", "approve") == 404
    assert overrides(selling_company, customer_id) == []
    assert answer(staff["manager"], key, "approve") == 303
    (row,) = overrides(selling_company, customer_id)
    assert (row["segment"], row["reason"], row["valid_to"]) == ("A1", "Ny aftale", "2099-12-31")
    assert (row["decided_by"], row["approved_by"]) == (viewers["salesperson"].salesperson_id, "leader")
    assert row["approved_on"] == row["decided_on"]
    # A replayed form approves nothing twice.
    assert answer(staff["manager"], key, "approve") == 422
    assert answer(staff["finance"], key, "reject", "Nej") == 422
    assert len(overrides(selling_company, customer_id)) == 1
    assert "Approved by leader" in staff["salesperson"].get("/beslutninger?lang=en").text


def test_a_rejected_override_says_why_and_may_be_proposed_again(
    selling_company: Workspace, staff: dict[Role, Browser], own: tuple[str, str]
) -> None:
    customer_id, _ = own
    assert post(staff["salesperson"], customer_id, "gruppe", segment="A1", reason="Ny aftale")[0] == 303
    again = post(staff["salesperson"], customer_id, "gruppe", segment="B1", reason="Ny aftale")
    assert (again[0], "Der er allerede en beslutning" in again[1]) == (422, True)
    key = proposal(staff["finance"].get("/beslutninger").text)
    assert answer(staff["finance"], key, "reject", " ") == 422
    assert answer(staff["finance"], key, "reject", "Aftalen er ikke underskrevet") == 303
    assert "Aftalen er ikke underskrevet" in staff["salesperson"].get(f"/kunde/{customer_id}").text
    assert overrides(selling_company, customer_id) == []
    assert post(staff["salesperson"], customer_id, "gruppe", segment="B1", reason="Underskrevet")[0] == 303


def test_where_nobody_is_asked_it_is_written_at_once(
    selling_company: Workspace, staff: dict[Role, Browser], own: tuple[str, str]
) -> None:
    customer_id, _ = own
    assert post(staff["finance"], customer_id, "gruppe", segment="A1", reason="Ny aftale")[0] == 303
    (row,) = overrides(selling_company, customer_id)
    assert (row["decided_by"], row.get("approved_by") or "") == ("money", "")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"segment": "Å9", "reason": "Vokser"}, "Vælg en af de muligheder"),
        ({"segment": "A1", "reason": ""}, "Skriv en tekst."),
        ({"segment": "A1", "reason": "Vokser", "until": "2020-01-01"}, "Slutdatoen"),
        ({"segment": "A1", "reason": "Vokser", "until": "' or 1=1"}, "Slutdatoen"),
    ],
)
def test_a_proposal_that_is_none_is_refused_with_its_text_kept(
    staff: dict[Role, Browser], own: tuple[str, str], fields: dict[str, str], said: str
) -> None:
    status, page = post(staff["salesperson"], own[0], "gruppe", **fields)
    assert status == 422
    (alert,) = re.findall(r'<p role="alert" id="said-segment">(.*?)</p>', page)
    assert alert.startswith(said)
    assert f"{fields['reason']}</textarea>" in page


def test_proposals_are_seen_by_those_who_see_the_customer(
    selling_company: Workspace, staff: dict[Role, Browser], viewers: dict[Role, Viewer]
) -> None:
    with duckdb.connect(
        str(selling_company.published / "current" / "kunderegnskab.duckdb"), read_only=True
    ) as con:
        (foreign,) = con.execute(
            "select min(customer_id) from marts.current_portfolio_accounts where customer_id not in ("
            "select customer_id from marts.current_portfolio_accounts inner join marts.salespeople "
            "using (salesperson_id) where team = ?)",
            [viewers["manager"].team],
        ).fetchall()[0]
    Proposals(selling_company).propose(
        Viewer("other", "salesperson", "S-other"),
        foreign,
        "A1",
        "Hemmelig",
        "",
        datetime.now(UTC),
        segments=["A1"],
    )
    key = proposal(staff["finance"].get("/beslutninger").text)
    assert "Hemmelig" not in staff["manager"].get("/beslutninger").text
    assert answer(staff["manager"], key, "approve") == 404
    assert answer(staff["finance"], key, "approve") == 303
