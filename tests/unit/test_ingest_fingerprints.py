"""A file that has not changed is not read to know its hash, and one that has changed is, however it was done.

Reading files at rest belongs in test_ingest_faults, what is read again and why in test_ingest_records.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_intake import make_known, problems_of, rest, taken, workspace_of, write_files

from kunderegnskab.ingest import fingerprints, input_files, landing, load_warehouse, take_in
from kunderegnskab.ingest.fingerprints import REST_NS, Drive, FileState, KnownFiles, file_state, hash_file
from kunderegnskab.workspace import Workspace

SECOND = 1_000_000_000


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# --- any order of events ------------------------------------------------------------------------------
@dataclass
class Server:
    """A drive with one file, on a machine whose clock is not ours and whose ticks are coarse."""

    tick: int
    ahead: int
    lag: int
    now: int = 1_700_000_000 * SECOND
    content: bytes = b"0"
    inode: int = 1
    modified: int = 0
    changed: int = 0
    while_hashing: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.write(0)
        self.pass_by(3600 * SECOND)

    def stamp(self) -> int:
        return (self.now + self.ahead - self.lag) // self.tick * self.tick

    def write(self, number: int) -> None:
        self.content = str(number).encode()
        self.modified = self.changed = self.stamp()

    def edit_and_put_time_back(self, number: int) -> None:
        before = self.modified
        self.write(number)
        self.modified = before

    def replace(self, number: int) -> None:
        """By a file that was made long ago; renaming it is the only change that has a time."""
        before = self.modified
        self.content = str(number).encode()
        self.inode += 1
        self.modified, self.changed = before, self.stamp()

    def pass_by(self, nanoseconds: int) -> None:
        self.now += nanoseconds

    def state_of(self, path: Path) -> FileState:
        return FileState(len(self.content), self.modified, self.changed, self.inode, 7)

    def hash(self, path: Path) -> tuple[FileState, str]:
        """Somebody may write before and after the bytes are read."""
        state = self.state_of(path)
        pending, self.while_hashing = self.while_hashing, []
        for action in pending[:1]:
            action()
        found = sha256(self.content)
        for action in pending[1:]:
            action()
        return state, found


NUMBERS = st.integers(0, 9)  # of one digit, so that the size never tells
CHANGES = st.tuples(st.sampled_from(["write", "edit_and_put_time_back", "replace"]), NUMBERS)
EVENTS = st.one_of(
    CHANGES,
    st.tuples(
        st.just("pass_by"), st.sampled_from([0, 1, 1_000, SECOND // 2, SECOND, 2 * SECOND, 9 * SECOND])
    ),
    st.tuples(st.just("look"), st.lists(CHANGES, max_size=2)),
    st.tuples(st.just("next refresh"), st.booleans()),
)


@settings(max_examples=200, deadline=None)
@given(
    tick=st.sampled_from([1, 4_000_000, SECOND, 2 * SECOND]),
    ahead=st.sampled_from([0, -5 * SECOND, -3600 * SECOND, 5 * SECOND, 1]),
    lag=st.sampled_from([0, 10_000_000]),
    events=st.lists(EVENTS, min_size=2, max_size=14),
)
def test_what_is_known_is_what_the_file_holds(tick, ahead, lag, events):
    server = Server(tick, ahead, lag)
    drive = Drive(lambda: server.now, server.state_of, server.hash)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        path = root / "salg.csv"
        path.touch()
        known = KnownFiles(root, root / "note.json", drive=drive)
        for event, argument in events:
            if event == "look":
                found = known.look_up(path)
                if found is not None:
                    assert found.sha256 == sha256(server.content)
                    continue
                server.while_hashing = [
                    lambda change=change, number=number: getattr(server, change)(number)
                    for change, number in argument
                ]
                known.hash_now(path)
                server.while_hashing = []
            elif event == "next refresh":
                known.save()
                known = KnownFiles(root, root / "note.json", again=argument, drive=drive)
            else:
                getattr(server, event)(argument)


# --- a real drive -------------------------------------------------------------------------------------
@dataclass
class Passes:
    """A folder that is looked at again and again, each time ten seconds later."""

    root: Path
    later: int = 0
    read: list[str] = field(default_factory=list)

    def known(self, *, again: bool = False) -> KnownFiles:
        self.later += 10 * SECOND
        drive = Drive(lambda: time.time_ns() + self.later, file_state, self._hash)
        return KnownFiles(self.root, self.root / "note.json", again=again, drive=drive)

    def hash_of(self, path: Path, *, again: bool = False) -> str:
        known = self.known(again=again)
        self.read.clear()
        found = known.sha256(path)
        known.save()
        return found

    def _hash(self, path: Path) -> tuple[FileState, str]:
        self.read.append(path.name)
        return hash_file(path)


@pytest.fixture
def passes(tmp_path: Path) -> Passes:
    return Passes(tmp_path)


def test_a_file_is_read_twice_and_then_known(passes):
    path = passes.root / "salg.csv"
    path.write_bytes(b"old")
    reads = []
    for _ in range(4):
        assert passes.hash_of(path) == sha256(b"old")
        reads.append(list(passes.read))
    assert reads == [["salg.csv"], ["salg.csv"], [], []]
    assert passes.hash_of(path, again=True) == sha256(b"old")
    assert passes.read == ["salg.csv"]
    assert passes.hash_of(path) == sha256(b"old")
    assert passes.read == []


def edited_in_place(path: Path) -> None:
    before = path.stat()
    with path.open("r+b") as stream:
        stream.write(b"new")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def grown(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(b"er")


def cut_off(path: Path) -> None:
    os.truncate(path, 2)


def another(path: Path) -> Path:
    """A file of the same size and time beside it, made before."""
    return path.with_name("other.csv")


def replaced(path: Path) -> None:
    another(path).replace(path)


def removed_and_made_again(path: Path) -> None:
    before = path.stat()
    path.unlink()
    path.write_bytes(b"new")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def hard_linked(path: Path) -> None:
    path.unlink()
    os.link(another(path), path)


def soft_linked(path: Path) -> None:
    path.unlink()
    path.symlink_to(another(path))


CHANGES_OF_A_FILE = [
    edited_in_place,
    grown,
    cut_off,
    replaced,
    removed_and_made_again,
    hard_linked,
    soft_linked,
]


@pytest.mark.parametrize("change", CHANGES_OF_A_FILE, ids=lambda change: change.__name__)
def test_a_changed_file_is_read_however_it_was_changed(passes, change):
    path = passes.root / "salg.csv"
    path.write_bytes(b"old")
    another(path).write_bytes(b"new")
    for each in (path, another(path)):
        os.utime(each, (1_600_000_000, 1_600_000_000))
    for _ in range(3):
        passes.hash_of(path)
    assert passes.read == []
    change(path)
    content = path.read_bytes()
    assert content != b"old"
    assert passes.hash_of(path) == sha256(content)


def test_a_link_is_known_by_where_it_leads_to(passes):
    path = passes.root / "salg.csv"
    targets = [passes.root / name for name in ("a", "b")]
    for target in targets:
        target.write_bytes(target.name.encode())
    path.symlink_to(targets[0])
    for _ in range(3):
        passes.hash_of(path)
    assert passes.read == []
    path.unlink()
    path.symlink_to(targets[1])
    assert passes.hash_of(path) == sha256(b"b")
    for _ in range(2):
        passes.hash_of(path)
    assert passes.read == []
    grown(targets[1])
    assert passes.hash_of(path) == sha256(b"ber")


def test_a_link_that_leads_elsewhere_while_it_is_read_deceives_nobody(passes):
    path = passes.root / "salg.csv"
    targets = [passes.root / name for name in ("a", "b")]
    for target in targets:
        target.write_bytes(target.name.encode())

    def lead_to(target: Path) -> None:
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    def elsewhere(_: Path) -> tuple[FileState, str]:
        lead_to(targets[1])
        found = hash_file(path)
        lead_to(targets[0])
        return found

    lead_to(targets[0])
    passes.hash_of(path)
    known = passes.known()
    known._drive = replace(known._drive, hash=elsewhere)
    assert known.sha256(path) == sha256(b"b")
    known.save()
    assert passes.hash_of(path) == sha256(b"a")


def test_a_file_from_the_future_is_never_known(passes):
    path = passes.root / "salg.csv"
    path.write_bytes(b"old")
    os.utime(path, (time.time() + 3600, time.time() + 3600))
    for _ in range(4):
        assert passes.hash_of(path) == sha256(b"old")
        assert passes.read == ["salg.csv"]


def test_a_clock_that_was_set_back_costs_two_readings(passes):
    path = passes.root / "salg.csv"
    path.write_bytes(b"old")
    passes.later = 3600 * SECOND
    for _ in range(3):
        passes.hash_of(path)
    assert passes.read == []
    passes.later = 0
    reads = []
    for _ in range(3):
        passes.hash_of(path)
        reads.append(len(passes.read))
    assert reads == [1, 1, 0]


def test_a_renamed_file_is_read_by_its_new_name_and_forgotten_by_its_old(passes):
    path = passes.root / "salg.csv"
    path.write_bytes(b"old")
    for _ in range(3):
        passes.hash_of(path)
    moved = path.rename(passes.root / "salg 2.csv")
    assert passes.hash_of(moved) == sha256(b"old")
    assert passes.read == ["salg 2.csv"]
    note = (passes.root / "note.json").read_text(encoding="utf-8")
    assert "salg 2.csv" in note
    assert "salg.csv" not in note


OLD = sha256(b"old").encode()
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "no text": lambda whole: b"\xff\x00",
    "cut off": lambda whole: whole[:-5],
    "another form": lambda whole: b'{"files": ["salg.csv"]}',
    "no hash": lambda whole: whole.replace(OLD, OLD[:-1]),
    "other code": lambda whole: whole.replace(b'"code_version":"', b'"code_version":"9'),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_note_that_says_nothing_is_no_error(passes, damage):
    path, note = (passes.root / name for name in ("salg.csv", "note.json"))
    path.write_bytes(b"old")
    for _ in range(3):
        passes.hash_of(path)
    assert passes.read == []
    note.write_bytes(DAMAGES[damage](note.read_bytes()))
    reads = []
    for _ in range(3):
        assert passes.hash_of(path) == sha256(b"old")
        reads.append(list(passes.read))
    assert reads == [["salg.csv"], ["salg.csv"], []]


def test_a_note_of_another_folder_says_nothing(passes, tmp_path_factory):
    path = passes.root / "salg.csv"
    path.write_bytes(b"old")
    for _ in range(3):
        passes.hash_of(path)
    copy = Passes(tmp_path_factory.mktemp("copy"), passes.later)
    for each in passes.root.iterdir():
        (copy.root / each.name).write_bytes(each.read_bytes())
    os.utime(copy.root / path.name, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    assert copy.hash_of(copy.root / path.name) == sha256(b"old")
    assert copy.read == ["salg.csv"]


def test_a_note_that_cannot_be_written_is_no_error(passes):
    (passes.root / "note.json").mkdir()
    path = passes.root / "salg.csv"
    path.write_bytes(b"old")
    for _ in range(3):
        assert passes.hash_of(path) == sha256(b"old")
    assert passes.read == ["salg.csv"]
    assert sorted(each.name for each in passes.root.iterdir()) == ["note.json", "salg.csv"]


# --- a whole intake -----------------------------------------------------------------------------------
FEEDS = """
sales_lines:
  - files: "salg*.csv"
    format: {type: csv, delimiter: ";", date: "%Y-%m-%d"}
    columns:
      document_no: doc
      document_type: type
      posting_date: dage.day
      quantity: qty
      net_amount: net
      discount_amount: disc
    lookups: {dage: {files: dage.csv, key: doc, format: {type: csv, date: "%Y-%m-%d"}}}
"""
FILES = {
    "salg1.csv": "doc;type;qty;net;disc\n1;invoice;1;10;0\n",
    "salg2.csv": "doc;type;qty;net;disc\n2;invoice;1;10;0\n",
    "dage.csv": "doc,day\n1,2024-01-01\n2,2024-01-02\n",
    "customers.csv": "customer_id,customer_name\n1,Nord\n",
}
SALESPEOPLE = "salesperson_id,salesperson_name\nHH,{}\n"
_IN_OPEN = 0x20
_IS_FOLDER = 0x40000000


class Watch:
    """Which files of a folder were opened, by whomever; DuckDB opens files that Python knows nothing of."""

    def __init__(self, folder: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._events = self._libc.inotify_init1(os.O_NONBLOCK)
        assert self._libc.inotify_add_watch(self._events, os.fsencode(folder), _IN_OPEN) > 0

    def opened(self) -> set[str]:
        names = set()
        while True:
            try:
                data = os.read(self._events, 1 << 16)
            except BlockingIOError:
                return names
            while data:
                _, mask, _, length = struct.unpack_from("iIII", data)
                if not mask & _IS_FOLDER:
                    names.add(data[16 : 16 + length].rstrip(b"\0").decode())
                data = data[16 + length :]

    def close(self) -> None:
        os.close(self._events)


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose files have been known for a while."""
    workspace = workspace_of(tmp_path, FEEDS, FILES)
    products = workspace.landing / "products.parquet"
    duckdb.execute(f"copy (select 'V1' as product_id, 'Vare' as product_name) to '{products}'")
    rest(products)
    write_files(workspace.policy, {"salespeople.csv": SALESPEOPLE.format("Hanne")})
    make_known(workspace, monkeypatch)
    return workspace


def test_a_change_in_policy_opens_no_landing_file(company):
    write_files(company.policy, {"salespeople.csv": SALESPEOPLE.format("Helle")})
    watch = Watch(company.landing)
    try:
        intake = take_in(company, company.lake)
        with duckdb.connect() as con:
            load_warehouse(con, company.company, company.lake, intake)
            assert con.execute("select salesperson_name from raw.salespeople").fetchall() == [("Helle",)]
            assert con.execute("select count(*) from raw.sales_lines").fetchall() == [(2,)]
        assert input_files(company) == intake.files
        assert intake.read == ("policy/salespeople.csv",)
        assert watch.opened() == set()
        # The watch sees what it should, DuckDB's own reading included.
        duckdb.execute(f"from '{company.landing / 'products.parquet'}'").fetchall()
        assert watch.opened() == {"products.parquet"}
        take_in(company, company.lake, again=True)
        assert watch.opened() == {*FILES, "products.parquet"}
    finally:
        watch.close()


def test_a_known_file_that_is_open_for_writing_is_refused(company, monkeypatch):
    monkeypatch.setattr(landing, "PATIENCE_SECONDS", 0.3)
    writer = "import sys; stream = open(sys.argv[1], 'a'); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", writer, str(company.landing / "salg1.csv")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        assert [sentence.partition(";")[0] for sentence in problems_of(company)] == [
            "landing/salg1.csv: is still being written"
        ]
        process.communicate(timeout=10)
    assert problems_of(company) == []


def test_a_known_file_that_must_be_read_is_hashed_first(company, monkeypatch):
    hashed = []

    def noted(path: Path) -> tuple[FileState, str]:
        hashed.append(path.name)
        return hash_file(path)

    monkeypatch.setattr(fingerprints, "Drive", lambda: Drive(hash=noted))
    (company.root / "feeds.yaml").write_text(FEEDS.replace("net_amount: net", "net_amount: qty"))
    intake = take_in(Workspace(company.root), company.lake)
    assert intake.read == ("landing/salg1.csv", "landing/salg2.csv")
    assert sorted(name for name in hashed if name.endswith(".csv")) == ["dage.csv", "salg1.csv", "salg2.csv"]


def test_a_file_that_is_not_what_it_was_known_to_be_is_not_read(company):
    note = company.state / "fingerprints.json"
    right, wrong = (sha256(content) for content in (FILES["salg1.csv"].encode(), b"something else"))
    assert note.read_text(encoding="utf-8").count(right) == 1
    note.write_text(note.read_text(encoding="utf-8").replace(right, wrong), encoding="utf-8")
    assert problems_of(company) == [
        "landing/salg1.csv: changed while it was read; run again when the transfer is finished."
    ]
    assert problems_of(company) == []


def test_a_lake_file_that_was_changed_is_made_again(company):
    intake = take_in(company, company.lake)
    assert intake.read == ()
    path = company.lake / intake.receipts[0].lake_file
    before = path.stat()
    with path.open("r+b") as stream:
        stream.seek(4)
        byte = stream.read(1)
        stream.seek(4)
        stream.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert take_in(company, company.lake).read == (intake.receipts[0].source_file,)
    assert taken(company).values("select count(*) from raw.sales_lines") == [2]


def test_a_scratch_lake_leaves_the_workspace_as_it_is(company, tmp_path):
    before = (company.state / "fingerprints.json").stat()
    write_files(company.policy, {"salespeople.csv": SALESPEOPLE.format("Helle")})
    intake = take_in(company, tmp_path / "scratch")
    assert len(intake.read) == len(intake.receipts)
    assert (company.state / "fingerprints.json").stat() == before
    assert [path.name for path in company.state.iterdir()] == ["fingerprints.json"]


def test_a_file_is_at_rest_for_longer_than_the_coarsest_tick():
    assert REST_NS > 2 * SECOND
