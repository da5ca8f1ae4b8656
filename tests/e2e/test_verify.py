"""`kunderegnskab verify`: what was published, and what it was made from, is what the manifests say; computed
again it is the same.

Commands run in this process (`quick`); that verify computes with dbt what a whole refresh published is shown in
tests/real/test_real_audit.py. The chain of manifests alone belongs in tests/unit/test_publication.py.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from companies import MONTHS, line, write_sales
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from quick import Project, quickly, refreshed_quickly
from running import Done, copied

from kunderegnskab.audit.verification import verify_integrity
from kunderegnskab.file_hash import file_sha256
from kunderegnskab.ingest import take_in
from kunderegnskab.problems import InputProblems
from kunderegnskab.publication import store
from kunderegnskab.publication.content_hash import columns_of, table_content
from kunderegnskab.publication.manifest import FileContent, read_manifest
from kunderegnskab.workspace import Workspace

Verify = Callable[..., Done]


@pytest.fixture(scope="module")
def company(project: Project, published_small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small company, published three times."""
    workspace = copied(published_small, tmp_path_factory.mktemp("verified"))
    for _ in range(2):
        assert refreshed_quickly(project, workspace, "--full")["status"] == "published"
    return workspace


@pytest.fixture
def verify(project: Project) -> Verify:
    """`kunderegnskab verify` with its report."""
    return lambda company, *options: quickly(project, "verify", "--workspace", company, "--json", *options)


def publications(company: Path) -> list[Path]:
    return sorted(path for path in (company / "published").iterdir() if path.name[:4].isdigit())


def flip(path: Path) -> Callable[[], None]:
    """Change one byte in the middle of a file; gives what puts it back."""
    before = path.read_bytes()
    changed = bytearray(before)
    changed[len(changed) // 2] ^= 1
    path.write_bytes(changed)
    return lambda: (path.write_bytes(before), None)[1]


def test_three_publications_computed_again_are_the_same(verify: Verify, company: Path) -> None:
    done = verify(company, "--last", "3")
    assert done.code == 0, done.out
    again = [line for line in done.json["done"] if line.startswith("Computed ")]
    assert [line.split()[1] for line in again] == [path.name for path in reversed(publications(company))]
    for each in again:
        tables, of_tables, checks, of_checks, pages, of_pages = (
            int(word) for word in each.split() if word.isdigit()
        )
        assert tables == of_tables > 50
        assert checks == of_checks > 500
        assert pages == of_pages == 6
    assert done.json["head"].startswith(publications(company)[-1].name)


PLACES: dict[str, Callable[[Path], Path]] = {
    "landing": lambda company: next((company / "landing" / "salg").glob("*.csv")),
    "lake": lambda company: min((company / "lake" / "sales_lines").glob("*.parquet")),
    "published": lambda company: publications(company)[1] / "parquet" / "customer_accounts.parquet",
    "current database": lambda company: publications(company)[2] / "kunderegnskab.duckdb",
    "manifest": lambda company: publications(company)[1] / "manifest.json",
    "current manifest": lambda company: publications(company)[2] / "manifest.json",
}


@pytest.mark.parametrize("place", PLACES)
def test_one_flipped_byte_is_named_and_nothing_else(verify: Verify, company: Path, place: str) -> None:
    path = PLACES[place](company)
    back = flip(path)
    try:
        done = verify(company, "--last", "0")
    finally:
        back()
    assert done.code == 1
    (finding,) = done.json["findings"]
    named = path.parent.name if path.name == "manifest.json" else path.name
    assert named in finding["sentence"]
    assert finding["control"] == {"current database": "published", "lake text": "lake"}.get(
        place, "chain" if "manifest" in place else place
    )
    assert verify(company, "--last", "0").code == 3  # nothing found, and not everything asked


def test_amounts_swapped_in_the_lake_and_published_are_found_in_the_files(
    verify: Verify, project: Project, company: Path, tmp_path: Path
) -> None:
    """A forger swaps two amounts in a lake file, mends its receipt, and lets a refresh publish it."""
    workspace = copied(company, tmp_path)
    current = publications(workspace)[-1]
    swapped = swap_amounts(next_lake_file(workspace, "sales_lines"))
    found = verify(workspace, "--last", "0").json["findings"]
    assert {each["control"] for each in found} == {"lake", "receipts"}
    assert all(swapped in each["subject"] for each in found)

    # The refresh does not believe the receipt, because the publication before says otherwise.
    refreshed_quickly(project, workspace, "--full")
    assert publications(workspace)[-1] != current
    assert verify(workspace).code == 0


def test_what_the_lake_does_not_hold_of_a_file_is_named(
    verify: Verify, company: Path, tmp_path: Path
) -> None:
    """Lake file, receipt and every manifest that names them are forged alike; only landing says otherwise."""
    workspace = copied(company, tmp_path)
    lake_file = next_lake_file(workspace, "sales_lines")
    old = file_sha256(lake_file)
    name = swap_amounts(lake_file)
    remade = store.publications(workspace / "published")
    previous = None
    for publication in remade:
        manifest = publication.manifest.model_copy(
            update={
                "inputs": [
                    file.model_copy(update={"lake_sha256": file_sha256(lake_file)})
                    if file.lake_sha256 == old
                    else file
                    for file in publication.manifest.inputs
                ],
                "previous": previous,
            }
        )
        (publication.path / "manifest.json").write_bytes(manifest.canonical())
        previous = store.publications(workspace / "published")[remade.index(publication)].reference
    store.make_current(store.publications(workspace / "published")[-1])
    done = verify(workspace)
    assert done.code == 1
    (finding,) = (each for each in done.json["findings"] if each["control"] == "reading")
    assert name in finding["subject"]
    assert "landing/" in finding["sentence"]
    # Hashes alone agree with each other, and what was noted elsewhere does not.
    assert {each["control"] for each in verify(workspace, "--last", "0").json["findings"]} == set()
    head = remade[-1].head
    noted = verify(workspace, "--last", "0", "--head", head).json["findings"]
    assert [each["control"] for each in noted] == ["head"]
    assert verify(company, "--last", "0", "--head", head).code == 3


def next_lake_file(workspace: Path, feed: str) -> Path:
    """A lake file of the current publication."""
    current = store.current(workspace / "published")
    assert current is not None
    return workspace / "lake" / next(file.lake_file for file in current.manifest.inputs if file.feed == feed)


def swap_amounts(lake_file: Path) -> str:
    """Exchange the net amounts of two records, and mend hash and sums in the receipt; gives the file's name."""
    with duckdb.connect() as con:
        con.execute(f"create table records as select * from '{lake_file}'")
        (one, a), (other, b) = con.execute(
            "select rowid, net_amount from records where _record_status = 'loaded' "
            "qualify row_number() over (partition by net_amount order by rowid) = 1 order by rowid limit 2"
        ).fetchall()
        assert a != b
        con.execute("update records set net_amount = ? where rowid = ?", [b, one])
        con.execute("update records set net_amount = ? where rowid = ?", [a, other])
        con.execute(f"copy (select * from records order by rowid) to '{lake_file}' (format parquet)")
    note = lake_file.with_suffix(".json")
    receipt = json.loads(note.read_text())
    receipt["lake_sha256"] = file_sha256(lake_file)
    note.write_text(json.dumps(receipt))
    return lake_file.name.removesuffix(".parquet")


@pytest.mark.parametrize("way", ["folder", "link to a copy", "folder of the publication is a link"])
def test_what_readers_open_is_what_is_verified(
    verify: Verify, company: Path, tmp_path: Path, way: str
) -> None:
    workspace = copied(company, tmp_path / "company")
    published = workspace / "published"
    name = publications(workspace)[-1].name
    shutil.copytree(published / name, tmp_path / "elsewhere" / name)
    link = published / "current"
    if way == "folder":
        link.unlink()
        shutil.copytree(published / name, link)
    elif way == "link to a copy":
        link.unlink()
        link.symlink_to(tmp_path / "elsewhere" / name)
    else:
        shutil.rmtree(published / name)
        (published / name).symlink_to(tmp_path / "elsewhere" / name)
    done = verify(workspace, "--last", "0")
    assert done.code == 1
    assert [each["subject"] for each in done.json["findings"]] == ["current.json"]
    assert "`current`" in done.json["findings"][0]["sentence"]


def test_a_removed_newest_publication_is_missed_by_its_head(
    verify: Verify, company: Path, tmp_path: Path
) -> None:
    workspace = copied(company, tmp_path)
    *_, before, last = store.publications(workspace / "published")
    head = last.head
    shutil.rmtree(last.path)
    store.make_current(before)
    assert {each["control"] for each in verify(workspace, "--last", "0").json["findings"]} == set()
    done = verify(workspace, "--last", "0", "--head", head)
    assert done.code == 1
    assert head in done.json["findings"][0]["sentence"]


def test_checks_taken_out_of_a_manifest_are_found_by_its_signature(
    verify: Verify, project: Project, company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = copied(company, tmp_path / "company")
    public = keys(tmp_path)
    heads = tmp_path / "heads.jsonl"
    monkeypatch.setenv("KUNDEREGNSKAB_SIGNING_KEY", str(tmp_path / "key.pem"))
    monkeypatch.setenv("KUNDEREGNSKAB_ANCHOR", str(heads))
    refreshed_quickly(project, workspace, "--full")
    assert verify(workspace, "--last", "0", "--signed-by", public).code == 3
    last = store.publications(workspace / "published")[-1]
    heads.write_text(json.dumps({"publication": last.name, "manifest_sha256": last.manifest_sha256}) + "\n")
    assert verify(workspace, "--last", "0", "--heads", heads).code == 3

    forged = last.manifest.model_copy(update={"checks": last.manifest.checks[1:]})
    (last.path / "manifest.json").write_bytes(forged.canonical())
    store.make_current(store.publications(workspace / "published")[-1])
    assert {each["control"] for each in verify(workspace, "--last", "0").json["findings"]} == set()
    head = verify(workspace, "--last", "0", "--head", last.head).json["findings"]
    assert [(each["control"], each["subject"]) for each in head] == [("head", last.head)]
    signed = verify(workspace, "--last", "0", "--signed-by", public).json["findings"]
    assert [(each["control"], each["subject"]) for each in signed] == [("signature", last.name)]
    noted = verify(workspace, "--last", "0", "--heads", heads).json["findings"]
    assert [each["control"] for each in noted] == ["head"]


@pytest.mark.parametrize(
    "harm",
    {
        "every file of runs/ removed": lambda runs: [path.unlink() for path in runs.iterdir()],
        "a file of a run changed": lambda runs: flip(next(runs.glob("*.parquet"))),
        "a file of a run removed": lambda runs: next(runs.glob("*.parquet")).unlink(),
        "a line of the journal removed": lambda runs: drop_line(runs / "journal.jsonl", 1),
        "the last lines removed": lambda runs: drop_line(runs / "journal.jsonl", slice(2, None)),
        "a byte of the journal changed": lambda runs: flip(runs / "journal.jsonl"),
    }.items(),
    ids=lambda harm: harm[0],
)
def test_harm_to_what_is_kept_of_runs_is_named(
    verify: Verify, company: Path, tmp_path: Path, harm: tuple[str, Callable[[Path], object]]
) -> None:
    workspace = copied(company, tmp_path)
    harm[1](workspace / "runs")
    done = verify(workspace, "--last", "0")
    assert done.code == 1
    assert {each["control"] for each in done.json["findings"]} == {"journal"}
    assert all("runs/" in each["sentence"] for each in done.json["findings"])


def test_every_changed_byte_of_a_receipt_is_named(verify: Verify, company: Path, tmp_path: Path) -> None:
    workspace = copied(company, tmp_path)
    path = next_lake_file(workspace, "sales_lines").with_suffix(".json")
    whole = path.read_bytes()
    for place in range(0, len(whole), max(len(whole) // 20, 1)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        found = verify_integrity(Workspace(workspace)).findings
        assert [each.control for each in found] == ["receipts"], whole[place - 20 : place + 20]
        assert path.name in found[0].sentence
    path.write_bytes(whole)
    # What no manifest has of it is what reading the file again says.
    receipt = json.loads(whole)
    path.write_text(json.dumps(receipt | {"absent_columns": ["unit_of_measure"]}))
    done = verify(workspace)
    assert [(each["control"], each["subject"]) for each in done.json["findings"]] == [
        ("receipts", f"lake/sales_lines/{path.name}")
    ]


def drop_line(path: Path, which: int | slice) -> None:
    lines = path.read_text().splitlines(keepends=True)
    del lines[which]
    path.write_text("".join(lines))


def keys(folder: Path) -> Path:
    """Write a pair of keys, key.pem and public.pem; gives the latter."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(private)
    public = folder / "public.pem"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return public


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_deleted_publication_shows(verify: Verify, company: Path, number: int, tmp_path: Path) -> None:
    gone = publications(company)[number]
    shutil.move(gone, tmp_path / gone.name)
    try:
        done = verify(company, "--last", "0")
    finally:
        shutil.move(tmp_path / gone.name, gone)
    assert done.code == 1
    (finding,) = done.json["findings"]
    assert (finding["control"], finding["subject"]) == ("chain", gone.name)


def test_what_was_published_wrongly_comes_out_differently(verify: Verify, company: Path) -> None:
    """A forger who mends every hash still cannot make the models give his figure."""
    now = publications(company)[2]
    kept = company.parent / "kept"
    shutil.copytree(company / "published", kept, symlinks=True)
    try:
        forge(now)
        done = verify(company)
    finally:
        shutil.rmtree(company / "published")
        shutil.move(kept, company / "published")
    assert done.code == 1
    assert {finding["subject"] for finding in done.json["findings"]} >= {
        f"{now.name} marts.customer_accounts"
    }


def forge(publication: Path) -> None:
    """Raise one customer's DB III in the current publication and mend the manifest and the pointer."""
    with duckdb.connect(str(publication / "kunderegnskab.duckdb")) as con:
        con.execute(
            "update marts.customer_accounts set db3 = db3 + 1 where month = (select max(month) from marts.customer_accounts)"
        )
    mend(publication, "kunderegnskab.duckdb", tables=["marts.customer_accounts"])


def mend(publication: Path, *files: str, tables: Sequence[str] = (), **more: Any) -> None:
    """Write the current publication's manifest anew, so that every hash is that of what is there, and the pointer.

    Args:
        files: what was changed, by path in the publication.
        tables: the tables that were changed.
        more: what else the manifest shall say.
    """
    manifest, _ = read_manifest(publication)
    marts, hashes = dict(manifest.marts), dict(manifest.files)
    with duckdb.connect(str(publication / "kunderegnskab.duckdb"), read_only=True) as con:
        for table in tables:
            found = table_content(con, table, marts[table].key, columns_of(con, table))
            marts[table] = marts[table].model_copy(
                update={"content_sha256": found.sha256, "rows": found.rows}
            )
    for name in files:
        path = publication / name
        hashes[name] = FileContent(sha256=file_sha256(path), size=path.stat().st_size)
    forged = manifest.model_copy(update={"marts": marts, "files": hashes, **more})
    (publication / "manifest.json").write_bytes(forged.canonical())
    found = next(each for each in store.publications(publication.parent) if each.name == publication.name)
    store.make_current(found)


def test_a_changed_result_of_a_check_comes_out_differently(
    verify: Verify, project: Project, company: Path, tmp_path: Path
) -> None:
    """A warning that is told as passed, in the table, the manifest and the report; every hash is mended."""
    workspace = copied(company, tmp_path)
    unlisted = line("X-1", "99999", MONTHS[-1].replace(day=15), Decimal(1000))
    write_sales(workspace, "unlisted", [unlisted])
    assert refreshed_quickly(project, workspace)["status"] == "published"
    now = publications(workspace)[-1]
    manifest, _ = read_manifest(now)
    check = next(each for each in manifest.checks if each.status == "failed")
    assert not check.is_blocking
    with duckdb.connect(str(now / "kunderegnskab.duckdb")) as con:
        con.execute(
            "update audit.check_results set status = 'passed', failing_rows = 0, detail = '' where check_name = ?",
            [check.check_name],
        )
    report = now / "quality" / "report.json"
    report.write_text(report.read_text("utf-8").replace('"failed"', '"passed"'), "utf-8")
    good = check.model_copy(update={"status": "passed", "failing_rows": 0})
    checks = [good if each == check else each for each in manifest.checks]
    mend(
        now,
        "kunderegnskab.duckdb",
        "quality/report.json",
        tables=["audit.check_results"],
        checks=checks,
    )
    assert verify(workspace, "--last", "0").json["findings"] == []
    done = verify(workspace)
    assert done.code == 1
    found = {each["subject"]: each["sentence"] for each in done.json["findings"]}
    assert f"{now.name} {check.check_name}" in found
    assert "published passed" in found[f"{now.name} {check.check_name}"]
    # The report is written again from what the table says of the checks, which the forger has made agree.
    assert {each["control"] for each in done.json["findings"]} == {"reperformance"}


def test_checks_and_pages_that_do_not_follow_from_the_publication_are_named(
    verify: Verify, company: Path, tmp_path: Path
) -> None:
    workspace = copied(company, tmp_path)
    now = publications(workspace)[-1]
    manifest, _ = read_manifest(now)
    gone, *others = manifest.checks
    notice = now / "quality" / "notice.html"
    notice.write_text(notice.read_text("utf-8").replace("</body>", "<p>Nothing is kept.</p></body>"), "utf-8")
    mend(now, "quality/notice.html", checks=others)
    assert verify(workspace, "--last", "0").json["findings"] == []
    done = verify(workspace)
    assert {each["subject"] for each in done.json["findings"]} == {
        f"{now.name} {gone.check_name}",
        f"{now.name}/quality/notice.html",
    }


def test_a_changed_text_of_an_old_publication_is_named(verify: Verify, company: Path, tmp_path: Path) -> None:
    """Versions 0.4 and 0.5 kept the text of each file beside the lake file."""
    workspace = copied(company, tmp_path)
    now = publications(workspace)[-1]
    manifest, _ = read_manifest(now)
    first, *others = manifest.inputs
    text = workspace / "lake" / f"{first.lake_file}.text"
    text.write_bytes(b"F1001;1;Faktura")
    named = {"text_file": text.relative_to(workspace / "lake").as_posix(), "text_sha256": file_sha256(text)}
    mend(now, inputs=[first.model_copy(update=named), *others])
    assert verify(workspace, "--last", "0").json["findings"] == []
    flip(text)
    (finding,) = verify(workspace, "--last", "0").json["findings"]
    assert (finding["control"], finding["subject"]) == ("lake", f"lake/{named['text_file']}")


def test_a_new_file_that_cannot_be_read_does_not_hinder_verifying(
    verify: Verify, company: Path, tmp_path: Path
) -> None:
    """No publication knows it; the next refresh will tell of it."""
    workspace = copied(company, tmp_path)
    (workspace / "landing" / "salg" / "ny.csv").write_text("noget;helt;andet\n1;2;3\n")
    (workspace / "landing" / "products.csv").write_text("no_such_column\n1\n")
    assert quickly_refused(workspace)
    done = verify(workspace)
    assert done.code == 0, done.out
    inputs = read_manifest(publications(workspace)[-1])[0].inputs
    assert f"Read {len(inputs)} of {len(inputs)} files again" in done.out


def quickly_refused(workspace: Path) -> bool:
    """Whether what lies in the workspace cannot be read."""
    with pytest.raises(InputProblems):
        take_in(Workspace(workspace), workspace / "scratch")
    return True


def test_a_head_is_handed_on_by_a_refresh_that_finds_nothing_changed(
    project: Project, company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was killed after it had published left it behind."""
    workspace = copied(company, tmp_path / "company")
    heads = tmp_path / "heads.jsonl"
    monkeypatch.setenv("KUNDEREGNSKAB_ANCHOR", str(heads))
    assert refreshed_quickly(project, workspace)["status"] == "unchanged"
    (line,) = heads.read_text().splitlines()
    assert json.loads(line)["publication"] == publications(workspace)[-1].name


def test_changed_configuration_is_named(verify: Verify, company: Path) -> None:
    back = flip_text(company / "company.yaml", "\n# a note\n")
    try:
        done = verify(company, "--last", "0")
    finally:
        back()
    assert [finding["subject"] for finding in done.json["findings"]] == ["company.yaml"]


def flip_text(path: Path, more: str) -> Callable[[], None]:
    before = path.read_bytes()
    path.write_bytes(before + more.encode())
    return lambda: (path.write_bytes(before), None)[1]


def test_what_cannot_be_verified_is_said(
    verify: Verify, project: Project, company: Path, tmp_path: Path
) -> None:
    done = verify(company, "--last", "0", "no-such-publication")
    assert done.code == 3
    assert done.json["not_done"] == [
        "no-such-publication is no publication that is whole, so it was not computed again."
    ]
    empty = quickly(project, "init", tmp_path / "new")
    assert empty.code == 0
    assert verify(tmp_path / "new").code == 3
