"""What changed and how checks went, carried from publication to publication; no threshold moves unapproved."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from companies import at_rest, write_small_company
from quick import Project, quickly, refreshed_quickly
from running import rows

RULES = """\
rule_version,axis,class_code,valid_from,method,threshold_from,minimum_months,is_good,changed_by,approved_by
2024-1,size,A,2024-01-01,absolute,{threshold},1,true,Sanne,{approved_by}
2024-1,size,B,2024-01-01,absolute,,1,false,Sanne,Salgschef
2024-1,margin,1,2024-01-01,absolute,0.25,1,true,Sanne,Salgschef
2024-1,margin,2,2024-01-01,absolute,,1,false,Sanne,Salgschef
"""
GUARDED = "approval: required\n"
CHECK = "gate__kpi_values__changes_are_approved"
CHANGES = (
    "select feed, record_key, column_name, change, old_value, new_value, approved_by, source_record, "
    "after_publication from audit.change_log order by all"
)


def write_rules(root: Path, threshold: str, approved_by: str) -> None:
    text = RULES.format(threshold=threshold, approved_by=approved_by)
    at_rest(root / "policy" / "segment_rules.csv", text.encode())


@pytest.fixture(scope="module")
def company(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company whose segment rules need approval, published once."""
    root = tmp_path_factory.mktemp("history") / "workspace"
    write_small_company(root)
    with (root / "company.yaml").open("a", encoding="utf-8") as stream:
        stream.write(GUARDED)
    write_rules(root, "20000", "Salgschef")
    assert refreshed_quickly(project, root)["status"] == "published"
    return root


def as_it_was_approved_before(company: Path) -> None:
    """What happens when somebody edits the file: the threshold is another, and the approval stands as it was."""
    write_rules(company, "15000", "Salgschef")


def approved_by_who_made_it(company: Path) -> None:
    write_rules(company, "15000", "Sanne")


def taken_off_the_list(company: Path) -> None:
    write_rules(company, "15000", "Salgschef")
    path = company / "company.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(GUARDED, ""), encoding="utf-8")


def put_on_the_list_again(company: Path) -> None:
    with (company / "company.yaml").open("a", encoding="utf-8") as stream:
        stream.write(GUARDED)


def test_changes_are_logged_approved_and_carried_on(project: Project, company: Path) -> None:
    assert rows(company, CHANGES) == []  # the first publication is where the log begins
    assert rows(company, "select * from audit.check_history") == []
    (first,) = rows(company, "select publication from main._publication")[0]

    for plant in (as_it_was_approved_before, approved_by_who_made_it, taken_off_the_list):
        plant(company)
        refused = quickly(project, "refresh", "--workspace", company, "--json")
        assert refused.code == 1, plant
        said = "\n".join(refused.json["problems"])
        assert re.findall(r"The check (\w+) failed", said) == [CHECK], plant
        assert "threshold_from" in said
        assert rows(company, "select publication from main._publication") == [(first,)]
    put_on_the_list_again(company)

    write_rules(company, "15000", "Direktør")
    assert refreshed_quickly(project, company)["status"] == "published"
    key = "rule_version 2024-1, axis size, class_code A"
    changes = [
        ("segment_rules", key, "approved_by", "changed", "Salgschef", "Direktør", "Direktør", 1, first),
        (
            "segment_rules",
            key,
            "threshold_from",
            "changed",
            "20000.000000",
            "15000.000000",
            "Direktør",
            1,
            first,
        ),
    ]
    assert rows(company, CHANGES) == changes
    checks = rows(company, "select count(*), min(publication), max(publication) from audit.check_history")[0]
    assert checks[0] > 400
    assert checks[1:] == (first, first)

    assert refreshed_quickly(project, company, "--full")["status"] == "published"
    assert rows(company, CHANGES) == changes  # nothing new, nothing lost
    assert rows(company, "select count(distinct publication) from audit.check_history") == [(2,)]


def test_a_salesperson_does_not_decide_alone_on_an_own_customer(project: Project, tmp_path: Path) -> None:
    """Unless the check is waived: then it is published, and refresh and `status` say that it waits."""
    root = tmp_path / "w"
    write_small_company(root)
    tell = "{command: [sh, -c, 'cat >> \"$0\"', " + str(tmp_path / "NAME") + "]}\n"
    with (root / "company.yaml").open("a", encoding="utf-8") as stream:
        for name in ("on_failure", "on_blocked", "on_approval"):
            stream.write(f"{name}: {tell.replace('NAME', name)}")
    write_rules(root, "20000", "Salgschef")
    at_rest(root / "landing" / "salespeople.csv", b"salesperson_id,salesperson_name\nS1,Anna Holm\n")
    at_rest(
        root / "policy" / "customer_owners.csv", b"customer_id,salesperson_id,valid_from\nC1,S1,2024-01-01\n"
    )
    published = refreshed_quickly(project, root)
    assert published["waiting_approvals"] == []

    columns = "customer_id,decided_on,segment,reason,decided_by,approved_by"
    own = "C1,2025-03-10,B1,Vokser,anna holm"
    at_rest(
        root / "policy" / "segment_overrides.csv",
        f"{columns}\n{own},S1\nC2,2025-03-10,B1,Vokser,S1,\n".encode(),
    )
    refused = quickly(project, "refresh", "--workspace", root, "--json")
    check, row, _ = refused.json["problems"]
    assert f"The check {CHECK} failed (1 row)" in check
    sentence = (
        "segment_overrides, customer_id C1, decided_on 2025-03-10: anna holm har tilføjet reason Vokser, segment B1, og "
        "det angår anna holms egen portefølje, så en anden skal godkende det med navn i approved_by og dag i approved_on."
    )
    assert sentence in row
    # Who is told of what is in the way is told what the check asks for; nobody is told a name.
    blocked = json.loads((tmp_path / "on_blocked").read_text(encoding="utf-8"))
    assert blocked["event"] == "blocked"
    (asked,) = blocked["blocked_by"]
    assert asked.startswith(f"{CHECK} (1 række): Poster, der er ændret siden sidste udgivelse")
    (waits,) = json.loads((tmp_path / "on_approval").read_text(encoding="utf-8"))["approval"]
    assert waits == (
        "segment_overrides, customer_id C1, decided_on 2025-03-10: posten er tilføjet, og det angår en sælgers egen "
        "portefølje, så en anden skal godkende det; se audit.waiting_approvals eller `kunderegnskab status`."
    )
    assert not (tmp_path / "on_failure").exists()

    waiver = {"check": CHECK, "reason": "Salgschefen er på ferie", "person": "Ida Lund"}
    (root / "waivers.yaml").write_text(json.dumps([waiver]), encoding="utf-8")  # JSON is YAML
    waived = quickly(project, "refresh", "--workspace", root)
    assert waived.code == 0
    assert "approval  1 change waits for somebody's approval (audit.waiting_approvals)" in waived.err
    assert rows(root, "select sentence_da from audit.waiting_approvals") == [(sentence,)]
    status = quickly(project, "status", "--workspace", root)
    assert "1 change waits for somebody's approval" in status.out
    assert quickly(project, "status", "--workspace", root, "--json").json["waiting_approvals"] == [sentence]

    at_rest(
        root / "policy" / "segment_overrides.csv",
        f"{columns}\n{own},Salgschef\nC2,2025-03-10,B1,Vokser,S1,\n".encode(),
    )
    assert refreshed_quickly(project, root)["waiting_approvals"] == []
    json.loads(
        (tmp_path / "on_approval").read_text(encoding="utf-8")
    )  # one event, though it waited in three refreshes
    assert "for somebody's approval" not in quickly(project, "status", "--workspace", root).out
