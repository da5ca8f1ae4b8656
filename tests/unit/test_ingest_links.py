"""Links that lead out of landing/ or policy/ are not followed, and nobody learns what they lead to."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_intake import SALES_COLUMNS, SALES_HEADER, problems_of, rest, workspace_of

from kunderegnskab.ingest import input_files, take_in
from kunderegnskab.ingest.unread import unread
from kunderegnskab.problems import InputProblems
from kunderegnskab.workspace import Workspace

FEEDS = """
    sales_lines:
      - files: "{}"
        format: {{type: csv}}
        columns: """ + SALES_COLUMNS.replace("{", "{{").replace("}", "}}")
SALES = f"{SALES_HEADER}\nA,invoice,2024-01-05,1,100.00,0\n"
SECRET = "hemmelig"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the workspace with sales, a list and a file that is nobody's business."""
    folder = tmp_path / SECRET
    folder.mkdir()
    for name, content in {
        "salg.csv": SALES.replace("A,", f"{SECRET},"),
        "liste.csv": f"doc,name\nA,{SECRET}\n",
        "regler.csv": f"{SECRET},axis\n1,2\n",
        "passwd": f"{SECRET}:x:0\n",
    }.items():
        (folder / name).write_text(content, encoding="utf-8")
        rest(folder / name)
    return folder


def company(root: Path, files: str = "*.csv", more: str = "") -> Workspace:
    workspace = workspace_of(root / "firma", FEEDS.format(files) + more, {"own.csv": SALES})
    workspace.policy.mkdir()
    return workspace


def refused(workspace: Workspace) -> list[str]:
    sentences = problems_of(workspace)
    with pytest.raises(InputProblems) as raised:
        input_files(workspace)
    assert [problem.sentence() for problem in raised.value.problems] == sentences
    assert SECRET not in "".join(sentences)
    assert "link" not in "".join(unread(workspace).sentences)  # said once
    return sentences


def sentence(name: str) -> str:
    return (
        f"{name}: is a link that leads out of {name.split('/')[0]}/, which is never followed; put the file or folder "
        "itself there, or remove the link."
    )


@pytest.mark.parametrize("target", ["salg.csv", "passwd", "../firma/company.yaml", "nowhere"])
@pytest.mark.parametrize("files", ["*.csv", "**/*.csv", "link.csv"])
def test_a_link_to_a_file_is_refused_whatever_it_leads_to(
    tmp_path: Path, outside: Path, target: str, files: str
) -> None:
    workspace = company(tmp_path, files)
    (workspace.landing / "link.csv").symlink_to(outside / target)
    assert refused(workspace) == [sentence("landing/link.csv")]


def test_a_link_to_a_folder_is_named_and_not_what_is_in_it(tmp_path: Path, outside: Path) -> None:
    workspace = company(tmp_path, "*/*.csv")
    (workspace.landing / "mappe").symlink_to(outside, target_is_directory=True)
    assert refused(workspace) == [sentence("landing/mappe")]


def test_a_chain_of_links_is_as_long_as_its_end(tmp_path: Path, outside: Path) -> None:
    workspace = company(tmp_path, "a.csv")
    (workspace.landing / ".z").symlink_to(outside / "salg.csv")
    (workspace.landing / "a.csv").symlink_to(workspace.landing / ".z")
    assert refused(workspace) == [sentence("landing/a.csv")]


def test_policy_files_lists_and_lookups_are_no_exception(tmp_path: Path, outside: Path) -> None:
    lookup = """
        lookups:
          names: {files: liste.csv, key: doc, format: {type: csv}}
        expressions: {return_reason: names.name}
"""
    workspace = company(tmp_path, "own.csv", lookup)
    (workspace.landing / "liste.csv").symlink_to(outside / "liste.csv")
    (workspace.landing / "customers.csv").symlink_to(outside / "liste.csv")
    (workspace.policy / "segment_rules.csv").symlink_to(outside / "regler.csv")
    assert sorted(refused(workspace)) == [
        sentence("landing/customers.csv"),
        sentence("landing/liste.csv"),
        sentence("policy/segment_rules.csv"),
    ]


def test_a_link_that_no_source_asks_for_is_named_and_hinders_nothing(tmp_path: Path, outside: Path) -> None:
    workspace = company(tmp_path, "**/*.csv")
    (workspace.landing / "mappe").symlink_to(outside, target_is_directory=True)
    (workspace.landing / "tom.txt").symlink_to(workspace.landing / "væk.txt")
    (workspace.policy / "passwd").symlink_to(outside / "passwd")
    assert [receipt.source_file for receipt in take_in(workspace, workspace.lake).receipts] == [
        "landing/own.csv"
    ]
    assert [problem.sentence() for problem in unread(workspace).files] == [
        sentence("landing/mappe"),
        "landing/tom.txt: is a link to no file; put the file itself there, or remove the link.",
        sentence("policy/passwd"),
    ]


def test_links_within_and_a_landing_folder_elsewhere_are_followed(tmp_path: Path, outside: Path) -> None:
    workspace = company(tmp_path, "salg_*.csv")
    (workspace.landing / "salg_1.csv").symlink_to("own.csv")
    assert [receipt.source_file for receipt in take_in(workspace, workspace.lake).receipts] == [
        "landing/salg_1.csv"
    ]
    elsewhere = workspace_of(tmp_path / "anden", FEEDS.format("salg.csv"))
    elsewhere.landing.rmdir()
    elsewhere.landing.symlink_to(outside, target_is_directory=True)
    assert [receipt.source_file for receipt in take_in(elsewhere, elsewhere.lake).receipts] == [
        "landing/salg.csv"
    ]
