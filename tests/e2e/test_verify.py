"""`kunderegnskab verify`: what was published, and what it was made from, is what the manifests say; computed
again it is the same.

Commands run in this process (`quick`); that verify computes with dbt what a whole refresh published is shown in
tests/real/test_real_audit.py. The chain of manifests alone belongs in tests/unit/test_publication.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from quick import Project, quickly, refreshed_quickly
from running import Done, copied

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
    for line in again:
        same, of = (int(word) for word in line.split() if word.isdigit())
        assert same == of > 50
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
    assert verify(company, "--last", "0").code == 0


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
    from kunderegnskab.publication import store
    from kunderegnskab.publication.content_hash import columns_of, table_content
    from kunderegnskab.publication.manifest import read_manifest

    manifest, _ = read_manifest(publication)
    database = publication / "kunderegnskab.duckdb"
    with duckdb.connect(str(database)) as con:
        con.execute(
            "update marts.customer_accounts set db3 = db3 + 1 where month = (select max(month) from marts.customer_accounts)"
        )
        content = manifest.marts["marts.customer_accounts"]
        table = "marts.customer_accounts"
        sha256 = table_content(con, table, content.key, columns_of(con, table)).sha256
    marts = manifest.marts | {table: content.model_copy(update={"content_sha256": sha256})}
    file = manifest.files[database.name].model_copy(
        update={"sha256": store.file_sha256(database), "size": database.stat().st_size}
    )
    forged = manifest.model_copy(update={"marts": marts, "files": manifest.files | {database.name: file}})
    (publication / "manifest.json").write_bytes(forged.canonical())
    found = next(each for each in store.publications(publication.parent) if each.name == publication.name)
    store.make_current(found)


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
