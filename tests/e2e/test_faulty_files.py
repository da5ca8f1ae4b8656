"""Planted faults in the files: each gives one plain sentence, and nothing is published.

The sentence is asked of `check-inputs`, which reads as a refresh does; that nothing is published is shown by
refreshes over all faults at once. More kinds of files and conventions belong in tests/unit.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from companies import HEADER, at_rest, line, sales_of, write_sales
from quick import Project, quickly
from running import tree

Fault = Callable[[Path], None]
_AGAIN = (
    "; correct it in the source and deliver the file again, or allow it with allow_rejects in feeds.yaml."
)
_REPEATED = (
    "; deliver each record once; where both are records of their own, make the key unique with an expression in "
    "feeds.yaml, such as document_no: Type || '-' || No, or allow it with allow_rejects in feeds.yaml."
)
_NUMBER = "is not a number with at most 4 decimals written like 1.234,56"
_DATE = "is not a date of the form %d-%m-%Y"
_SCIENTIFIC = "is a number in scientific notation, expected the id as text with all its digits"


def field(record: int, column: str, text: str) -> Fault:
    """One field of one record says something else."""

    def plant(workspace: Path) -> None:
        lines = sales_of("nord")
        lines[record - 1][HEADER.index(column)] = text
        write_sales(workspace, "nord", lines)

    return plant


def missing_column(workspace: Path) -> None:
    at = HEADER.index("Kostbeløb")
    lines = [fields[:at] + fields[at + 1 :] for fields in sales_of("nord")]
    write_sales(workspace, "nord", lines, HEADER[:at] + HEADER[at + 1 :])


def latin_in_utf_8(workspace: Path) -> None:
    at_rest(workspace / "landing" / "products.csv", "product_id,product_name\nV1,Rødgrød\n".encode("cp1252"))


def duplicate_key(workspace: Path) -> None:
    write_sales(workspace, "senere", [line("C1-2401", "C1", date(2024, 1, 20), Decimal(10))])


def empty_file(workspace: Path) -> None:
    at_rest(workspace / "landing" / "salg" / "tom.csv", b"")


def zero_byte_workbook(workspace: Path) -> None:
    at_rest(workspace / "landing" / "kunder.xlsx", b"")


def damaged_workbook(workspace: Path) -> None:
    path = workspace / "landing" / "kunder.xlsx"
    at_rest(path, path.read_bytes()[:1000])


# name: record, column, text that stands there, what is said of it
FIELD_FAULTS: dict[str, tuple[int, str, str, str]] = {
    "garbage number": (3, "Nettobeløb", "1.0x0,00", f"'1.0x0,00' {_NUMBER}"),
    "month-first date": (4, "Bogføringsdato", "12-31-2024", f"'12-31-2024' {_DATE}"),
    "wrong decimal sign": (5, "Nettobeløb", "1040.50", f"'1040.50' {_NUMBER}"),
    "scientific notation of an id": (6, "Bilagsnr.", "1,23E+05", f"'1,23E+05' {_SCIENTIFIC}"),
    "a day that does not exist": (7, "Bogføringsdato", "31-02-2024", f"'31-02-2024' {_DATE}"),
    "required value missing": (8, "Antal", "", "a value is required here but the field is empty"),
}
RECORD_FAULTS: dict[str, tuple[Fault, str]] = {
    name: (
        field(record, column, text),
        f"landing/salg/nord.csv, record {record}, column {column}: {reason}{_AGAIN}",
    )
    for name, (record, column, text, reason) in FIELD_FAULTS.items()
} | {
    "duplicate key": (
        duplicate_key,
        "landing/salg/senere.csv, record 1, column document_no, line_no: "
        "'document_no = C1-2401, line_no = 1' repeats the key of landing/salg/nord.csv, record 1, but differs in "
        f"posting_date, list_amount, discount_amount, net_amount, cost_amount{_REPEATED}",
    ),
}
FILE_FAULTS: dict[str, tuple[Fault, str]] = {
    "missing column": (
        missing_column,
        "landing/salg/nord.csv, column Kostbeløb: the column is missing, the file has Bilagsnr., Linjenr., "
        "Bilagstype, Bogføringsdato, Kundenr., Varenr., Antal, Listebeløb, Nettobeløb, Valuta; "
        "deliver the file with that column, or correct its name in feeds.yaml.",
    ),
    "wrong encoding": (
        latin_in_utf_8,
        "landing/products.csv: line 2 is not utf-8 text as declared; "
        "correct `encoding` in feeds.yaml, or export the file again.",
    ),
    "empty file": (
        empty_file,
        "landing/salg/tom.csv: is empty (0 bytes); deliver the file again, or remove it.",
    ),
    "zero-byte workbook": (
        zero_byte_workbook,
        "landing/kunder.xlsx: is empty (0 bytes); deliver the file again, or remove it.",
    ),
    "damaged workbook": (
        damaged_workbook,
        "landing/kunder.xlsx: is not a readable Excel workbook; save it again as .xlsx and deliver it.",
    ),
}


@pytest.mark.parametrize("fault", [*RECORD_FAULTS, *FILE_FAULTS])
def test_check_inputs_names_file_record_and_column(project: Project, small_to_change: Path, fault: str):
    plant, sentence = (RECORD_FAULTS | FILE_FAULTS)[fault]
    plant(small_to_change)
    before = tree(small_to_change)
    done = quickly(project, "check-inputs", "--json", "--workspace", small_to_change)
    assert_says(done.code, done.out + done.err, [sentence])
    assert tree(small_to_change) == before


def test_a_file_that_is_being_written_is_refused(project: Project, small_to_change: Path):
    growing = small_to_change / "landing" / "salg" / "nord.csv"
    before = tree(small_to_change / "published")
    with held_open(growing):
        for command in ("check-inputs", "refresh"):
            done = quickly(project, command, "--workspace", small_to_change)
            assert done.code == 1
            assert (
                "landing/salg/nord.csv: is still being written; run again when the transfer is finished, "
                "or deliver it under another name and rename it.\n"
            ) in done.err
            assert "Traceback" not in done.err
    assert tree(small_to_change / "published") == before
    assert quickly(project, "check-inputs", "--workspace", small_to_change).code == 0


def test_faulty_records_publish_nothing(project: Project, small_to_change: Path):
    before = tree(small_to_change / "published")
    lines = sales_of("nord")
    for record, column, text, _ in FIELD_FAULTS.values():
        lines[record - 1][HEADER.index(column)] = text
    write_sales(small_to_change, "nord", lines)
    duplicate_key(small_to_change)
    done = quickly(project, "refresh", "--workspace", small_to_change)
    said = {name: sentence for name, (_, sentence) in RECORD_FAULTS.items()}
    # Two faults of one kind in one column are one sentence, which shows the first.
    alike = {
        ("garbage number", "wrong decimal sign"): "Nettobeløb",
        ("month-first date", "a day that does not exist"): "Bogføringsdato",
    }
    for (first, second), column in alike.items():
        reason = FIELD_FAULTS[first][3]
        records = f"{FIELD_FAULTS[first][0]}, {FIELD_FAULTS[second][0]}"
        del said[second]
        said[first] = (
            f"landing/salg/nord.csv, column {column}: 2 records of {len(lines)}, {records}: {reason}"
            f"{_AGAIN.replace('allow it', 'allow them')}"
        )
    assert_says(done.code, done.err, list(said.values()))
    assert "The refresh failed and published nothing.\n" in done.err
    assert "Readers still see publication 0001-" in done.err
    assert tree(small_to_change / "published") == before
    rejects = (small_to_change / "state" / "rejects.csv").read_text(encoding="utf-8").splitlines()
    assert len(rejects) == 1 + len(RECORD_FAULTS)


def test_faulty_files_publish_nothing(project: Project, small_to_change: Path):
    before = tree(small_to_change / "published")
    for fault in ("missing column", "wrong encoding", "damaged workbook"):
        FILE_FAULTS[fault][0](small_to_change)
    sentences = [FILE_FAULTS[fault][1] for fault in ("missing column", "wrong encoding", "damaged workbook")]
    # The canonical file without mapping is opened to see its columns, so its encoding is found first.
    done = quickly(project, "refresh", "--workspace", small_to_change)
    assert done.code == 1
    assert any(sentence in done.err for sentence in sentences)
    assert tree(small_to_change / "published") == before

    for fault in ("empty file", "zero-byte workbook"):
        FILE_FAULTS[fault][0](small_to_change)
    done = quickly(project, "refresh", "--workspace", small_to_change)
    assert_says(
        done.code, done.err, [FILE_FAULTS[fault][1] for fault in ("empty file", "zero-byte workbook")]
    )
    assert tree(small_to_change / "published") == before


def assert_says(code: int, said: str, sentences: list[str]) -> None:
    assert code == 1
    for sentence in sentences:
        assert sentence in said
    assert "Traceback" not in said
    assert "Error" not in said


@contextmanager
def held_open(path: Path) -> Generator[None]:
    """Another process writes to the file, and has not finished."""
    script = "import sys; file = open(sys.argv[1], 'ab'); print('open', flush=True); sys.stdin.read()"
    writer = subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        yield
    finally:
        writer.communicate()
