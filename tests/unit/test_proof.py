"""What proves a publication from outside: heads that are handed on, and the journal of runs.

That `verify` asks for them belongs in tests/e2e/test_verify.py.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
from addresses import posted_to
from manifests import manifest_of

from kunderegnskab.audit.reperformance import Again, Difference, DifferentCheck
from kunderegnskab.publication import heads, store
from kunderegnskab.workspace import Workspace, journal
from kunderegnskab_orchestration.reperform import _from_json


def published(workspace: Workspace, number: int) -> str:
    """Publish next to nothing, as far as heads go; gives the head."""
    name = f"{number:04d}-abcd"
    manifest = manifest_of(number, name, run_id="abcd", at=datetime(2026, 1, 31, 5, tzinfo=UTC))
    folder = workspace.published / name
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_bytes(manifest.canonical())
    made = store.find(workspace.published, name)
    assert made is not None
    store.make_current(made)
    return made.head


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "firma")


def test_heads_are_appended_each_on_a_line_of_its_own(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchor = tmp_path / "heads.jsonl"
    anchor.write_bytes(b'{"publication": "0006-')  # a power cut
    monkeypatch.setenv("KUNDEREGNSKAB_ANCHOR", str(anchor))
    assert heads.hand_on(workspace) is None
    made = []
    for number in (7, 8):
        made.append(published(workspace, number))
        assert heads.hand_on(workspace) is None
    assert heads.hand_on(workspace) is None
    assert heads.noted_heads(anchor) == made


def test_heads_that_were_not_received_are_handed_on_later(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drive that is away, and a run that is killed after it has published, leave heads behind."""
    anchor = tmp_path / "drive" / "heads.jsonl"
    monkeypatch.setenv("KUNDEREGNSKAB_ANCHOR", str(anchor))
    anchor.parent.mkdir()
    published(workspace, 1)
    other = tmp_path / "other.jsonl"
    made = [published(workspace, 2)]
    # An anchor that has received nothing is given the newest one, not years of them.
    assert heads.hand_on(workspace) is None
    assert heads.noted_heads(anchor) == made
    anchor.parent.rename(tmp_path / "away")
    made.append(published(workspace, 3))
    assert "0003-abcd is published, but" in str(heads.hand_on(workspace))
    made.append(published(workspace, 4))  # and killed
    (tmp_path / "away").rename(anchor.parent)
    assert heads.hand_on(workspace) is None
    assert heads.noted_heads(anchor) == made
    monkeypatch.setenv("KUNDEREGNSKAB_ANCHOR", str(other))
    assert heads.hand_on(workspace) is None
    assert heads.noted_heads(other) == made[-1:]


def test_a_head_is_posted(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    head = published(workspace, 7)
    with posted_to(200) as (address, posted):
        monkeypatch.setenv("KUNDEREGNSKAB_ANCHOR", address)
        assert heads.hand_on(workspace) is None
    assert [json.loads(each.body)["manifest_sha256"] for each in posted] == [head.split()[1]]


@pytest.mark.parametrize("answer", [302, 500, None])
def test_a_head_that_is_not_received_is_told(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, answer: int | None
) -> None:
    head = published(workspace, 7)
    with posted_to(answer or 200, speaks_http=answer is not None) as (address, _):
        monkeypatch.setenv("KUNDEREGNSKAB_ANCHOR", address)
        told = heads.hand_on(workspace)
    assert told is not None
    assert told.endswith(f"keep it yourself: {head.split()[1]}")


@pytest.mark.parametrize(
    "anchor", ["http://127.0.0.1:abc/", "http://127.0.0.1:1/a b", "/no/such/folder/heads"]
)
def test_an_anchor_that_is_none_is_told(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, anchor: str
) -> None:
    published(workspace, 7)
    monkeypatch.setenv("KUNDEREGNSKAB_ANCHOR", anchor)
    assert "0007-abcd is published, but" in str(heads.hand_on(workspace))


def test_a_line_that_a_power_cut_left_unfinished_is_no_forgery(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    journal.append(workspace, "run started", run_id="1")
    path = tmp_path / "runs" / "journal.jsonl"
    with path.open("ab") as stream:
        stream.write(b'{"event": "run en')
    journal.append(workspace, "run started", run_id="2")
    entries = journal.read(workspace)
    assert journal.broken_lines(entries) == []
    assert [entry.facts["run_id"] for entry in journal.unfinished_runs(entries)] == ["1", "2"]
    # Planted: what was left is not what the next line follows.
    path.write_bytes(path.read_bytes().replace(b"run en", b"run ed"))
    assert journal.broken_lines(journal.read(workspace)) == [3]


def test_a_long_journal_is_not_read_to_add_a_line(tmp_path: Path) -> None:
    """Its beginning is a hole of 8 GB, in a process that may have one."""
    workspace = Workspace(tmp_path)
    journal.append(workspace, "run started", run_id="1")
    path = tmp_path / "runs" / "journal.jsonl"
    line = path.read_bytes()
    with path.open("wb") as stream:
        stream.seek(8 << 30)
        stream.write(b"\n" + line + b"x" * 10_000 + b"\n")
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from kunderegnskab.workspace import Workspace, journal\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "journal.append(Workspace(Path(sys.argv[1])), 'run ended', run_id='1')\n"
        "print(journal.head(Workspace(Path(sys.argv[1]))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with path.open("rb") as stream:
        stream.seek((8 << 30) + 1 + len(line) + 10_001)
        added = stream.read()
    assert json.loads(added)["previous"] == hashlib.sha256(b"x" * 10_000).hexdigest()
    assert done.stdout.strip() == hashlib.sha256(added.rstrip(b"\n")).hexdigest()


def test_runs_that_end_behind_a_line_are_known(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    journal.append(workspace, "run started", run_id="1")
    journal.append(workspace, "run ended", run_id="1")
    between = journal.head(workspace)
    journal.append(workspace, "run ended", run_id="2")
    entries = journal.read(workspace)
    assert journal.ended_after(entries, between) == {"2"}
    assert journal.ended_after(entries, journal.head(workspace)) == set()
    assert journal.ended_after(entries, None) == set()


def test_what_another_version_says_of_a_publication_is_understood() -> None:
    """A publication is computed again by the code that made it; earlier versions told of tables alone."""
    tables = [Difference("marts.whale_curve", 10, None)]
    told_before = json.loads(json.dumps([asdict(each) for each in tables]))
    assert _from_json(told_before) == Again(tables, [], [], compared_checks=0, compared_pages=0)
    checks = [DifferentCheck("gate", "gate__margins", "passed", "failed, 3 failing rows")]
    again = Again(tables, checks, ["quality/report.html"], compared_checks=598, compared_pages=6)
    assert _from_json(json.loads(json.dumps(asdict(again)))) == again
