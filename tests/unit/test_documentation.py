"""The documents tell the truth: generated pages are up to date, what they name exists, the example is read.

What the documents say in words cannot be tested here; whether a refresh of the example gives the totals that
the README shows belongs in tests/e2e.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from typer.main import get_group

from kunderegnskab.feeds.documentation import generated_files
from kunderegnskab.ingest import take_in
from kunderegnskab.publication.documentation import MARTS_DOCUMENT, render_marts_document
from kunderegnskab.workspace import REPOSITORY, Company, Format, Lookup, Source, Waiver, Workspace
from orchestration.cli import app

DOCUMENTS = sorted(
    [
        *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *(REPOSITORY / "docs").rglob("*.md"),
    ]
)
README = REPOSITORY / "README.md"
WORKSPACE_PAGE = REPOSITORY / "docs" / "workspace.md"

# Folders of the repository whose names a document may use in a path, and files at its top.
_TOP = "|".join(
    ["kunderegnskab", "orchestration", "dbt_project", "data", "tests", "docs", "benchmarks", r"\.ci"]
)
_PATH = re.compile(rf"(?:{_TOP})/[\w./-]*|[\w-]+\.(?:md|toml|lock)|Makefile|dagster\.yaml")
# Made by the product or by `make setup`, so absent from a fresh clone.
_MADE = re.compile(r"data/(landing|lake|warehouse|state|published)\b")


def in_code(text: str) -> Iterator[str]:
    """Every code block and code span of a document."""
    yield from re.findall(r"```\w*\n(.*?)```", text, flags=re.DOTALL)
    for line in re.sub(r"```.*?```", "", text, flags=re.DOTALL).splitlines():
        yield from re.findall(r"`([^`]+)`", line)


def name_of(document: Path) -> str:
    return document.relative_to(REPOSITORY).as_posix()


def test_generated_documents_are_up_to_date() -> None:
    expected = generated_files() | {MARTS_DOCUMENT: render_marts_document()}
    old = [name_of(path) for path, text in expected.items() if path.read_text(encoding="utf-8") != text]
    assert not old, f"{old} are old: run make docs"


def test_every_path_named_exists() -> None:
    wrong = []
    for document in DOCUMENTS:
        text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
        spans = set(re.findall(r"`([^`\n]+)`", text))
        named = {span for span in spans if _PATH.fullmatch(span) and not _MADE.match(span)}
        wrong += [(name_of(document), path) for path in sorted(named) if not (REPOSITORY / path).exists()]
    assert wrong == []


def test_every_link_leads_to_a_file() -> None:
    wrong = []
    for document in DOCUMENTS:
        for link in re.findall(r"\]\(([^)]+)\)", document.read_text(encoding="utf-8")):
            if not (document.parent / link.partition("#")[0]).is_file():
                wrong.append((name_of(document), link))
    assert wrong == []


def test_every_make_target_named_exists() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, flags=re.MULTILINE))
    assert named_in_code(r"^make ([a-z][a-z-]*)", besides=targets) == []


def test_every_command_named_exists() -> None:
    commands = set(get_group(app).commands)
    assert named_in_code(r"(?:^|bin/)kunderegnskab ([a-z][a-z-]*)", besides=commands) == []


def named_in_code(pattern: str, besides: set[str]) -> list[tuple[str, str]]:
    """Documents and what of this pattern stands in their code, besides what is known."""
    return [
        (name_of(document), found)
        for document in DOCUMENTS
        for span in in_code(document.read_text(encoding="utf-8"))
        for found in re.findall(pattern, span, flags=re.MULTILINE)
        if found not in besides
    ]


def test_documents_have_no_machine_paths() -> None:
    pattern = r"(?<![\w.])/(?:home|tmp|work|root|Users)/"
    assert [
        name_of(document)
        for document in DOCUMENTS
        if re.search(pattern, document.read_text(encoding="utf-8"))
    ] == []


def test_every_decision_has_its_parts() -> None:
    decisions = sorted((REPOSITORY / "docs" / "decisions").glob("*.md"))
    for number, decision in enumerate(decisions, start=1):
        assert decision.name.startswith(f"{number:04d}-")
        headings = re.findall(r"^#+ (.*)$", decision.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert headings[0].startswith(f"{number}. ")
        assert headings[1:] == ["Context", "Decision", "Consequences"]


def test_the_workspace_page_names_every_key() -> None:
    named = set(in_code(WORKSPACE_PAGE.read_text(encoding="utf-8")))
    keys = {key for model in (Company, Format, Source, Lookup) for key in model.model_fields}
    assert keys <= {word for span in named for word in re.findall(r"\w+", span)}
    waiver = next(span for span in named if "valid_to:" in span)
    assert all(f"{key}:" in waiver for key in Waiver.model_fields)


def test_the_example_of_the_readme_can_be_read(tmp_path: Path) -> None:
    """The files that the README tells a newcomer to write give the counts that it shows."""
    files = re.findall(
        r"^cat > \.\./firma/(\S+) <<'(?:EOF|END)'\n(.*?)^(?:EOF|END)$",
        README.read_text(encoding="utf-8"),
        flags=re.DOTALL | re.MULTILINE,
    )
    assert {name for name, _ in files} == {
        "company.yaml",
        "feeds.yaml",
        "landing/salg.csv",
        "landing/fragt.csv",
        "landing/customers.csv",
        "landing/ledger_entries.csv",
        "landing/receivables.csv",
        "policy/ledger_accounts.csv",
        "policy/cost_pools.csv",
        "policy/activity_times.csv",
        "landing/salespeople.csv",
        "landing/customer_owners.csv",
        "policy/segment_rules.csv",
        "policy/service_concepts.csv",
        "policy/kpi_targets.csv",
    }
    for name, text in files:
        path = tmp_path / "firma" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    intake = take_in(Workspace(tmp_path / "firma"), tmp_path / "lake")
    counts = {
        receipt.source_file: (
            receipt.records_read,
            receipt.records_loaded,
            receipt.records_rejected,
            receipt.records_left_out,
        )
        for receipt in intake.receipts
    }
    assert counts == {
        "landing/salg.csv": (5, 4, 0, 1),
        "landing/customers.csv": (2, 2, 0, 0),
        "landing/fragt.csv": (2, 2, 0, 0),
        "landing/ledger_entries.csv": (7, 7, 0, 0),
        "landing/receivables.csv": (3, 3, 0, 0),
        "policy/ledger_accounts.csv": (5, 5, 0, 0),
        "policy/cost_pools.csv": (1, 1, 0, 0),
        "policy/activity_times.csv": (3, 3, 0, 0),
        "landing/salespeople.csv": (2, 2, 0, 0),
        "landing/customer_owners.csv": (3, 3, 0, 0),
        "policy/segment_rules.csv": (4, 4, 0, 0),
        "policy/service_concepts.csv": (2, 2, 0, 0),
        "policy/kpi_targets.csv": (2, 2, 0, 0),
    }
    shown = README.read_text(encoding="utf-8")
    five_steps = ("landing/salg.csv", "landing/customers.csv", "landing/fragt.csv")
    for file in five_steps:
        read, loaded, rejected, left_out = counts[file]
        assert re.search(rf"{file} +{read} +{loaded} +{rejected} +{left_out}\n", shown), file
