"""The files of the companies that two versions are compared on, so that both read the same ones.

Here: writing a company's files, changing them between two refreshes, and telling whether they are the same as
another time. Not here: refreshing them (checkouts.py) and what is compared (refresh.py, same_numbers.py).
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path

from checkouts import REPOSITORY, CannotCompare, cache_folder, tell
from filelock import FileLock

from kunderegnskab.code_version import tree_sha256
from kunderegnskab.demo.generator import SEED, generate

DATASETS_VARIABLE = "KUNDEREGNSKAB_DATASETS"
DATASETS = ("northwind", "foodmart", "online_retail")
# Whoever reads files waits until they have been left alone for a while; these have been.
_AT_REST_SECONDS = 60
# Chooses the pseudonyms of salespeople, so both versions need the same one. It protects nobody here.
_SECRET = "5ec4e7" * 10 + "5ec4\n"
_README_SECTION = "## Your own data in five steps"
_README_FILE = re.compile(r"^cat > \.\./firma/(\S+) <<'(EOF|END)'\n(.*?)^\2$", re.DOTALL | re.MULTILINE)
_RULES = Path("policy") / "segment_rules.csv"
# One class begins at another share than the rules of the demo company say: the two values of `change_a_rule`.
_RULE = "2025-1,margin,2,2025-01-01,absolute,{},0.05,6,false,"
_THRESHOLDS = ("0.15", "0.16")
_CLOSED_MONTH = "2025-06-01"
_CORRECTED = Path("landing") / "salg" / "salg_2025-06.csv"
_CORRECTION_KRONER = 25


def write_readme_company(root: Path) -> None:
    """The four invoice lines that the README tells a newcomer to write, as they stand there."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    _, _, section = text.partition(f"{_README_SECTION}\n")
    files = _README_FILE.findall(section.partition("\n## ")[0])
    if not files:
        raise CannotCompare(f"README.md has no files to write under {_README_SECTION!r} any more.")
    for name, _, content in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    _finish(root)


def write_demo(root: Path, scale: float, seed: int = SEED) -> None:
    """The demo company, or with another seed another one like it.

    Its landing files are made once and kept until what makes them changes.
    """
    made = cache_folder() / "files" / f"demo-{seed}-{scale:g}-{tree_sha256(_DEMO_CODE)[:16]}"
    made.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(made.with_name(f"{made.name}.lock")):
        if not made.exists():
            tell(f"making the files of the demo company, scale {scale:g}")
            unfinished = made.with_name(f"{made.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            generate(unfinished, seed=seed, scale=scale)
            unfinished.rename(made)
    for name in ("company.yaml", "feeds.yaml", "policy"):
        _copy(REPOSITORY / "data" / name, root / name)
    _copy(made, root / "landing")
    _finish(root)


_DEMO_CODE = {REPOSITORY / "kunderegnskab" / "demo": ("*.py",)}


def write_dataset(root: Path, name: str) -> None:
    """A public data set with the mapping that the tests have for it."""
    folder = Path(os.environ.get(DATASETS_VARIABLE) or REPOSITORY.parent / "shared" / "datasets")
    if not (folder / name).is_dir():
        raise CannotCompare(
            f"There is no data set {name} at {folder}; name the folder of the data sets in "
            f"{DATASETS_VARIABLE}, or choose other companies."
        )
    _copy(REPOSITORY / "tests" / "real" / name, root)
    _copy(folder / name, root / "landing")
    _finish(root)


def change_a_rule(root: Path) -> None:
    """Change one threshold of the demo company's segments, to the other of two values."""
    path = root / _RULES
    text = path.read_text(encoding="utf-8")
    for now, then in (_THRESHOLDS, _THRESHOLDS[::-1]):
        if text.count(_RULE.format(now)) == 1:
            write_at_rest(path, text.replace(_RULE.format(now), _RULE.format(then)).encode())
            return
    raise CannotCompare(f"{_RULES} has no line {_RULE.format(' or '.join(_THRESHOLDS))!r} any more.")


def change_policy(root: Path, publication: str) -> None:
    """Change a rule, and close a month on a publication: what a controller does without any new file."""
    change_a_rule(root)
    header = "event_no,month,event,publication,decided_by,decided_on,reason\n"
    event = f"1,{_CLOSED_MONTH},close,{publication},Regnskabschef,2026-01-15,Halvår\n"
    write_at_rest(root / "policy" / "period_events.csv", (header + event).encode())


def change_late(root: Path, publication: str) -> None:
    """Move kroner between the lines of two customers in the file of the closed month; sums stay the same."""
    del publication
    path = root / _CORRECTED
    header, *lines = csv.reader(StringIO(path.read_text(encoding="utf-8-sig")), delimiter=";")
    customer, net = header.index("Kundenr."), header.index("Nettobeløb")
    plain = [
        fields
        for fields in lines
        if (fields[header.index("Bilagstype")], fields[header.index("Valutakode")]) == ("Salgsfaktura", "")
        and _ore(fields[net]) > 100 * _CORRECTION_KRONER
    ]
    first = plain[0]
    second = next(fields for fields in plain if fields[customer] != first[customer])
    for fields, change in ((first, -_CORRECTION_KRONER), (second, _CORRECTION_KRONER)):
        kroner, ore = divmod(_ore(fields[net]) + 100 * change, 100)
        fields[net] = f"{kroner:,}".replace(",", ".") + f",{ore:02d}"
    text = StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows([header, *lines])
    write_at_rest(path, text.getvalue().encode("utf-8-sig"))


def write_at_rest(path: Path, content: bytes) -> None:
    """Write a file as one that nobody has touched for a minute."""
    path.write_bytes(content)
    before = time.time() - _AT_REST_SECONDS
    os.utime(path, (before, before))


def files_sha256(root: Path) -> str:
    """SHA-256 of names and contents of all files of a company."""
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _ore(danish: str) -> int:
    return int(danish.replace(".", "").replace(",", ""))


def _finish(root: Path) -> None:
    """Give a written company its secret, and date all its files back."""
    personal = root / "personal"
    personal.mkdir(mode=0o700)
    (personal / "secret.key").write_text(_SECRET, encoding="utf-8")
    (personal / "secret.key").chmod(0o600)
    before = time.time() - _AT_REST_SECONDS
    for path in root.rglob("*"):
        if path.is_file():
            os.utime(path, (before, before))


def _copy(source: Path, target: Path) -> None:
    """Copy a file or folder without its rights: data sets may be write-protected, copies are removed."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for each in source.iterdir():
            _copy(each, target / each.name)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


# How a company's files are changed for its next publication: given its folder and the name of the last one.
Change = Callable[[Path, str], None]
