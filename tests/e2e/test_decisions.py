"""What people decide on the page is in force after the next refresh, and the gate has nothing against it."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, time
from pathlib import Path

from chromium import chromium, served
from companies import at_rest, write_small_company
from playwright.sync_api import Page, sync_playwright
from quick import Project, refreshed_quickly
from running import rows

from kunderegnskab.web.app import Settings, application
from kunderegnskab.web.users import User, Users
from kunderegnskab.workspace import Workspace

RULES = """\
rule_version,axis,class_code,valid_from,method,threshold_from,minimum_months,is_good,changed_by,approved_by
2024-1,size,A,2024-01-01,absolute,20000,1,true,Sanne,Salgschef
2024-1,size,B,2024-01-01,absolute,,1,false,Sanne,Salgschef
2024-1,margin,1,2024-01-01,absolute,0.25,1,true,Sanne,Salgschef
2024-1,margin,2,2024-01-01,absolute,,1,false,Sanne,Salgschef
"""
PASSWORD = "korrekt hest batteri hæfteklamme"


def page_on(workspace: Workspace, day: date) -> AbstractContextManager[str]:
    """The workspace's page on a day."""
    noon = datetime.combine(day, time(12), UTC).timestamp()
    return served(application(workspace, Settings(clock=lambda: noon)))


def signed_in(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/login?lang=en")
    page.get_by_label("User").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_an_override_proposed_and_approved_on_the_page_is_in_force_after_the_next_refresh(
    project: Project, tmp_path: Path
) -> None:
    program = chromium()
    root = tmp_path / "w"
    write_small_company(root)
    at_rest(root / "policy" / "segment_rules.csv", RULES.encode())
    at_rest(
        root / "landing" / "salespeople.csv", b"salesperson_id,salesperson_name,team\nS1,Anna Holm,East\n"
    )
    at_rest(
        root / "policy" / "customer_owners.csv", b"customer_id,salesperson_id,valid_from\nC1,S1,2024-01-01\n"
    )
    at_rest(
        root / "policy" / "segment_overrides.csv",
        b"customer_id,decided_on,segment,reason,decided_by\nC2,2024-01-01,B1,Vokser,Salgschef\n",
    )
    assert refreshed_quickly(project, root)["status"] == "published"
    workspace = Workspace(root)
    # A day of the accounts, so that they show what is decided.
    ((day,),) = rows(root, "select max(month) + 9 from marts.customer_accounts")
    ((anna,),) = rows(root, "select salesperson_id from marts.salespeople where not is_unassigned")
    for user in (
        User(name="anna", role="salesperson", salesperson_id=anna),
        User(name="lise", role="manager", team="East"),
    ):
        Users(workspace).add(user, PASSWORD)
    with page_on(workspace, day) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_context(locale="en-GB", java_script_enabled=False).new_page()
        signed_in(page, address, "anna")
        page.goto(f"{address}/kunde/C1")
        page.get_by_label("Write a note").fill("Opens a shop")
        page.get_by_role("button", name="Save the note").click()
        assert (
            "from the next publication on"
            in page.locator("section", has_text="Opens a shop").last.inner_text()
        )
        page.locator("summary", has_text="Propose another group").click()
        page.get_by_label("Group", exact=True).select_option("B2")
        page.get_by_label("Reason", exact=True).fill("Closes down")
        page.get_by_role("button", name="Propose", exact=True).click()
        assert "Waiting for approval" in page.content()

        page = browser.new_context(locale="en-GB").new_page()
        signed_in(page, address, "lise")
        page.get_by_role("link", name="See and decide").click()
        assert f"Proposed by {anna}" in page.content()
        page.get_by_role("button", name="Approve").click()
        assert "Approved by lise" in page.content()
        browser.close()
    told = (root / "policy" / "segment_overrides.csv").read_text(encoding="utf-8").splitlines()
    assert told[1] == "C2,2024-01-01,B1,Vokser,Salgschef,,"
    assert re.fullmatch(rf"C1,{day},B2,Closes down,{anna},lise,{day}", told[2])

    done = refreshed_quickly(project, root)
    assert (done["status"], done["waiting_approvals"]) == ("published", [])
    assert rows(root, "select note, written_by from marts.customer_notes") == [("Opens a shop", anna)]
    query = "select override_segment, status from marts.segment_override_reviews where customer_id = 'C1'"
    assert rows(root, query) == [("B2", "in_force")]
    query = (
        "select distinct approval_reason, is_approved from audit.change_log "
        "where feed = 'segment_overrides' and record_key like '%C1%'"
    )
    assert rows(root, query) == [("own_portfolio", True)]
    query = "select distinct segment from marts.customer_segments where customer_id = 'C1' and month = ?"
    ((segment,),) = rows(root, query.replace("?", f"date '{day.replace(day=1)}'"))
    assert segment == "B2"
