"""The documents tell the truth: generated pages are up to date, what they name exists, the example is read.

Whether a refresh of the example gives what the README and the tutorial show is tested in
tests/e2e/test_tutorial.py.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from running import REPOSITORY
from typer.main import get_group

from kunderegnskab.dbt.macro_descriptions import MACRO_DESCRIPTIONS, render_macro_descriptions
from kunderegnskab.feeds import load_feeds
from kunderegnskab.feeds.documentation import generated_files
from kunderegnskab.ingest import take_in
from kunderegnskab.publication import power_query
from kunderegnskab.publication.documentation import MARTS_DOCUMENT, render_marts_document
from kunderegnskab.workspace import Company, Format, Lookup, Source, Waiver, Workspace
from kunderegnskab.workspace.expressions import DIVIDE, FUNCTIONS, READERS
from kunderegnskab_orchestration.commands.program import app

DOCUMENTS = sorted(
    [
        *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *(REPOSITORY / "docs").rglob("*.md"),
    ]
)
README = REPOSITORY / "README.md"
TUTORIAL = REPOSITORY / "docs" / "tutorial.md"
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
    expected = (
        generated_files()
        | power_query.queries()
        | {
            MARTS_DOCUMENT: render_marts_document(),
            MACRO_DESCRIPTIONS: render_macro_descriptions(),
        }
    )
    old = [
        name_of(path)
        for path, text in expected.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    gone = [name_of(path) for path in power_query.FOLDER.glob("*/*.pq") if path not in expected]
    assert not old + gone, f"{old + gone} are old: run make docs"


def test_every_path_named_exists() -> None:
    wrong = []
    for document in DOCUMENTS:
        text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
        spans = set(re.findall(r"`([^`\n]+)`", text))
        named = {span for span in spans if _PATH.fullmatch(span) and not _MADE.match(span)}
        wrong += [(name_of(document), path) for path in sorted(named) if not (REPOSITORY / path).exists()]
    assert wrong == []


def comments(file: Path) -> Iterator[str]:
    """Every comment and docstring of a Python or SQL file."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".sql":
        yield from re.findall(r"\{#.*?#\}|--[^\n]*", text, flags=re.DOTALL)
        return
    yield from (
        token.string
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    )
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            yield ast.get_docstring(node) or ""


def test_every_file_and_model_named_in_a_comment_exists() -> None:
    """Comments send readers to other modules and models, which may have been moved meanwhile."""
    files = [
        file
        for folder in ("kunderegnskab", "orchestration", "benchmarks", "tests", "dbt_project")
        for file in (REPOSITORY / folder).rglob("*.*")
        if not {"__pycache__", "target"} & set(file.parts)
    ]
    tops = [file for file in REPOSITORY.iterdir() if file.is_file()]
    pages = [*(REPOSITORY / "docs").rglob("*.md"), *(REPOSITORY / "data").glob("*.yaml")]
    names = {file.name for file in (*files, *tops, *pages)} | OF_A_WORKSPACE
    models = {file.stem for file in files if file.suffix in (".sql", ".csv")}
    wrong = []
    for file in files:
        if file.suffix not in (".py", ".sql"):
            continue
        for comment in comments(file):
            named = set(re.findall(r"(?<![\w*>}.-])[\w-]+\.(?:py|sql|ya?ml|md|toml)\b", comment)) - names
            of_dbt = {name for name in re.findall(r"\b(?:int|stg)_\w+[a-z]\b", comment) if "__" not in name}
            wrong += [(name_of(file), name) for name in sorted(named | (of_dbt - models - MACROS))]
    assert wrong == []


def test_every_link_leads_to_a_file_and_to_a_heading_in_it() -> None:
    wrong = []
    for document in DOCUMENTS:
        for link in re.findall(r"\]\(([^)]+)\)", document.read_text(encoding="utf-8")):
            file, _, heading = link.partition("#")
            target = document.parent / file if file else document
            if not target.is_file() or (heading and heading not in anchors(target)):
                wrong.append((name_of(document), link))
    assert wrong == []


def anchors(document: Path) -> set[str]:
    """The headings of a document as links name them: in small letters, without signs, joined by hyphens."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short() -> None:
    """What a reader needs beyond the first look stands in docs/."""
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 250


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


# Files of a company that the demo company does not have.
OF_A_WORKSPACE = {"waivers.yaml"}
MACROS = {"int_div"}
FIVE_STEPS = {
    "company.yaml",
    "feeds.yaml",
    "landing/salg.csv",
    "landing/fragt.csv",
    "landing/customers.csv",
}
# Read, loaded, rejected, left out.
COUNTS = {
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
    "policy/kpi_register.csv": (3, 3, 0, 0),
    "policy/kpi_formulas.csv": (2, 2, 0, 0),
}


def written_by(page: Path) -> dict[str, str]:
    """The files of the example company that a page tells a newcomer to write."""
    return dict(
        re.findall(
            r"^cat > \.\./firma/(\S+) <<'EOF'\n(.*?)^EOF$",
            page.read_text(encoding="utf-8"),
            flags=re.DOTALL | re.MULTILINE,
        )
    )


def test_the_example_of_readme_and_tutorial_can_be_read(tmp_path: Path) -> None:
    """The files that the two pages tell a newcomer to write give the counts that the README shows."""
    first, later = written_by(README), written_by(TUTORIAL)
    assert first.keys() == FIVE_STEPS
    assert later.keys() == COUNTS.keys() - FIVE_STEPS
    for name, text in (first | later).items():
        path = tmp_path / "firma" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    intake = take_in(Workspace(tmp_path / "firma"), tmp_path / "lake")
    assert {
        receipt.source_file: (
            receipt.records_read,
            receipt.records_loaded,
            receipt.records_rejected,
            receipt.records_left_out,
        )
        for receipt in intake.receipts
    } == COUNTS
    shown = README.read_text(encoding="utf-8")
    for file in FIVE_STEPS & COUNTS.keys():
        read, loaded, rejected, left_out = COUNTS[file]
        assert re.search(rf"{file} +{read} +{loaded} +{rejected} +{left_out}\n", shown), file


def test_the_page_names_every_policy_file() -> None:
    section = WORKSPACE_PAGE.read_text(encoding="utf-8").split("## policy/")[1].split("\n### ")[0]
    listed = set(re.findall(r"`(\w+)\.csv`", section))
    assert {name for name, feed in load_feeds().items() if feed.is_policy} == listed


def test_the_list_of_what_an_expression_may_use_is_the_pages() -> None:
    section = WORKSPACE_PAGE.read_text(encoding="utf-8").split("### expressions")[1].split("### values")[0]
    rows = dict(re.findall(r"^\| (\w+) \| ([^;\n]*)", section, flags=re.MULTILINE))
    expected = {"reading": (*READERS, DIVIDE), **FUNCTIONS}
    listed = {kind: set(re.findall(r"`(\w+)`", rows.get(kind, ""))) for kind in expected}
    assert {
        kind: set(names) - listed[kind] for kind, names in expected.items() if set(names) - listed[kind]
    } == {}
    assert {name for names in listed.values() for name in names} <= {*sum(expected.values(), ()), "case"}
