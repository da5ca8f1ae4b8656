"""What changed and how checks went, carried from publication to publication; no threshold moves unapproved."""

from __future__ import annotations

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
GUARDED = "approval_required: [segment_rules]\n"
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
        assert re.findall(r"The check (\w+) failed", said) == ["gate__kpi_values__changes_are_approved"], (
            plant
        )
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


def test_only_a_feed_that_can_name_an_approver_may_require_one(project: Project, tmp_path: Path) -> None:
    write_small_company(tmp_path / "w")
    with (tmp_path / "w" / "company.yaml").open("a", encoding="utf-8") as stream:
        stream.write("approval_required: [sales_lines]\n")
    done = quickly(project, "check-inputs", "--workspace", tmp_path / "w", "--json")
    assert done.code == 1
    assert "sales_lines is no feed with a column approved_by" in "\n".join(done.json["problems"])
