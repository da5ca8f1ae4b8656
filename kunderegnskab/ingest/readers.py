"""Files of every format become one thing: a relation of text, one row per record, in file order.

Text stays as it came; numbers and dates of typed formats are written by the file's declared
conventions, so that everything after this module reads text alone. DuckDB reads csv and Parquet where they
lie; other formats are written as a Parquet file of text first. What the columns mean, and whether their text
can be read, `typed` decides.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import os
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast
from xml.etree import ElementTree

import duckdb
import pyarrow as pa

from kunderegnskab.ingest.cpr import REASON, has_cpr, masked
from kunderegnskab.problems import InputProblem, InputProblems
from kunderegnskab.sql import FLOATS, TEXT, identifier, literal
from kunderegnskab.workspace import Format

if TYPE_CHECKING:
    import pandas as pd

_CHUNK = 1 << 22
# What DuckDB raises for SQL that cannot be run, whatever it reads.
_OF_A_MAPPING = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.ParserException,
)
# What UTF-8 text turns into when it is read as cp1252 (Danish and other letters, signs such as the pound,
# dashes and quotation marks), and the sign that a decoder leaves for what it could not read.
_MOJIBAKE = (
    "\u00c3[\u00a1-\u00bf\u2020\u02dc\u2026\u0160\u2030\u201e\u2013\u0153\u2122]"
    "|\u00c2[\u00a0-\u00bf]|\u00e2\u20ac|\u00e2\u201a\u00ac|\ufffd"
)


@dataclass(frozen=True)
class Records:
    """A file's records as text.

    Attributes:
        relation: SQL of them, in the order of the file; its columns are named as the source names them.
        columns: the source's own column names that it has.
        first_record: number of the first record (Excel: its sheet row).
        absent: columns that no record has (JSON, where fields may be missing).
        is_decoded: whether bytes became text by the declared encoding, which may be the wrong one.
        is_written: whether they stand in a Parquet file of their own, which has `file_row_number`.
        problem: what to say when DuckDB fails on the relation; None if the file is not to blame.
    """

    relation: str
    columns: tuple[str, ...]
    first_record: int
    absent: tuple[str, ...] = ()
    is_decoded: bool = False
    is_written: bool = False
    problem: Callable[[duckdb.Error], InputProblem | None] = lambda _: None


def read_records(
    con: duckdb.DuckDBPyConnection, path: Path, name: str, form: Format, wanted: Iterable[str], target: Path
) -> Records:
    """The wanted columns of a file; records that DuckDB does not read itself are written to `target`.

    Args:
        con: a connection that may read `path` and write beside `target`.
        name: the file as messages name it.
        wanted: the source columns to keep, by their names in the file.

    Raises:
        InputProblems: the file cannot be read as declared, or lacks a wanted column. What is wrong in the
            middle of a csv file comes out when the relation is read: see `Records.problem`.
    """
    reader = {"csv": _read_csv, "xlsx": _read_xlsx, "parquet": _read_parquet, "json": _read_json}[form.type]
    return reader(con, path, name, form, list(dict.fromkeys(wanted)), target)


def written(con: duckdb.DuckDBPyConnection, records: Records, target: Path) -> Records:
    """The same records in a Parquet file, from where they can be told by their number.

    Raises:
        InputProblems: the file cannot be read as declared.
    """
    if records.is_written:
        return records
    try:
        return replace(records, relation=_copy(con, records.relation, target), is_written=True)
    except duckdb.Error as error:
        if (problem := records.problem(error)) is None:
            raise
        # The error quotes the line, and a traceback would carry it into the log.
        raise InputProblems([problem]) from None


def column_names(path: Path, name: str, form: Format) -> list[str]:
    """The names in the header of a csv file or in the schema of a Parquet file.

    Raises:
        InputProblems: the file cannot be read as declared.
    """
    if form.type == "parquet":
        with duckdb.connect() as con:
            header = list(_parquet_types(con, path, name))
    else:
        header = _csv_header(path, name, form)
    _refuse_cpr_in_header(header, name)
    return header


# --- csv ------------------------------------------------------------------------------------------
def _read_csv(
    con: duckdb.DuckDBPyConnection, path: Path, name: str, form: Format, wanted: list[str], target: Path
) -> Records:
    text = _as_utf8(path, name, form, target.with_suffix(".utf8"))
    header = list(form.column_names) or _csv_header(text, name, form)
    kept = _resolve(wanted, header, name)
    # Repeated or empty names are allowed as long as nothing is read from them.
    declared = [column if column in kept.values() else f"column {n}" for n, column in enumerate(header)]
    columns = ", ".join(f"{literal(column)}: {literal(TEXT)}" for column in declared)
    chosen = ", ".join(f"{identifier(found)} as {identifier(column)}" for column, found in kept.items())
    query = (
        f"select {chosen or 'null as nothing'} from read_csv({literal(text)}, auto_detect = false, "
        f"header = false, skip = {form.header_row}, delim = {literal(form.delimiter)}, "
        f"quote = {literal(form.quote)}, escape = {literal(form.quote)}, columns = {{{columns}}}, "
        f"strict_mode = true, null_padding = false, compression = 'auto')"
    )

    def problem(error: duckdb.Error) -> InputProblem | None:
        if not isinstance(error, duckdb.InvalidInputException):
            return None
        if "nvalid unicode" in str(error):
            return _encoding_problem(text, name, form)
        return _csv_problem(str(error), name) if "CSV" in str(error) else None

    return Records(query, tuple(kept), 1, is_decoded=True, problem=problem)


def _csv_header(text: Path, name: str, form: Format) -> list[str]:
    with text.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, delimiter=form.delimiter, quotechar=form.quote or None)
        try:
            for _ in range(form.header_row - 1):
                next(reader)
            return [_clean_name(cell) for cell in next(reader)]
        except StopIteration:
            raise _no_header(name, form) from None
        except UnicodeDecodeError as error:
            raise InputProblems([_encoding_problem(text, name, form)]) from error
        except csv.Error as error:
            raise InputProblems([_csv_problem(str(error), name)]) from error


def _no_header(name: str, form: Format) -> InputProblems:
    return InputProblems(
        [
            InputProblem(
                name,
                f"has no header in row {form.header_row}",
                "deliver the file with its header, or correct `header_row` in feeds.yaml",
            )
        ]
    )


def _as_utf8(path: Path, name: str, form: Format, scratch: Path) -> Path:
    """The file itself if it is plain UTF-8, else `scratch`, a UTF-8 copy without mark.

    Packed files are unpacked here because DuckDB does not compare their check sum.
    """
    if form.encoding in ("utf-8", "utf-8-sig") and path.suffix != ".gz" and not _has_mark(path):
        return path  # DuckDB itself refuses what is not UTF-8
    _copy_as_utf8(path, name, form, scratch)
    return scratch


def _copy_as_utf8(path: Path, name: str, form: Format, scratch: Path) -> None:
    encoding = "utf-8-sig" if form.encoding == "utf-8" else form.encoding
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        with _opened(path) as source, scratch.open("wb") as copy:
            while chunk := source.read(_CHUNK):
                copy.write(decoder.decode(chunk).encode("utf-8"))
            copy.write(decoder.decode(b"", final=True).encode("utf-8"))
    except UnicodeError as error:
        raise InputProblems([_encoding_problem(path, name, form)]) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputProblems(
            [InputProblem(name, "cannot be unpacked, it is damaged or cut off", "deliver the file again")]
        ) from error


def _has_mark(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(3) == codecs.BOM_UTF8


def _opened(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _encoding_problem(path: Path, name: str, form: Format) -> InputProblem:
    line = None if form.encoding == "utf-16" else _first_undecodable_line(path, form.encoding)
    at = f"line {line} " if line else ""
    return InputProblem(
        name,
        f"{at}is not {form.encoding} text as declared",
        "correct `encoding` in feeds.yaml, or export the file again",
    )


def _first_undecodable_line(path: Path, encoding: str) -> int | None:
    with _opened(path) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                return number
    return None


def _csv_problem(message: str, name: str) -> InputProblem:
    line = re.search(r"CSV Error on Line: (\d+)", message)
    at = f"line {line.group(1)} " if line else ""
    if fields := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message):
        expected, found = fields.groups()
        return InputProblem(
            name,
            f"{at}has {found} fields, the header has {expected}",
            "correct that line (an unquoted delimiter or a file that was cut off), or `delimiter` in "
            "feeds.yaml",
        )
    if "unterminated quote" in message:
        return InputProblem(
            name, f"{at}opens a quote that is never closed", "correct that line, or `quote` in feeds.yaml"
        )
    if "invalid state" in message:
        return InputProblem(
            name,
            "cannot be read as csv, its lines do not all end in the same way or a quote stands in the "
            "wrong place",
            "export the file again with one kind of line end",
        )
    first = message.splitlines()[0].removeprefix("Invalid Input Error: ")
    return InputProblem(
        name, f"cannot be read as csv: {first}", "correct the file, or its format in feeds.yaml"
    )


# --- xlsx -----------------------------------------------------------------------------------------
def _read_xlsx(
    con: duckdb.DuckDBPyConnection, path: Path, name: str, form: Format, wanted: list[str], target: Path
) -> Records:
    cells = _sheet_cells(path, name, form)
    if form.header_row > len(cells):
        raise _no_header(name, form)
    header = list(form.column_names) or [
        _clean_name(_cell_text(cell, form) or "") for cell in cells.iloc[form.header_row - 1]
    ]
    kept = _resolve(wanted, header, name)
    # Rows that are empty in every cell stay in place, so that a record's number is its sheet row.
    body = cells.iloc[form.header_row :]
    texts = {
        column: pa.array(
            body.iloc[:, header.index(found)].map(lambda cell: _cell_text(cell, form)), pa.string()
        )
        for column, found in kept.items()
    }
    table = pa.table(texts or {"nothing": pa.nulls(len(body))})
    con.register("workbook", table)
    try:
        relation = _copy(con, "select * from workbook", target)
    finally:
        con.unregister("workbook")
    return Records(relation, tuple(kept), form.header_row + 1, is_written=True)


def _sheet_cells(path: Path, name: str, form: Format) -> pd.DataFrame:
    """The cells of the sheet from A1 on, error values as their text (#N/A)."""
    import pandas as pd  # 0.4 s, only where there are workbooks
    import python_calamine

    try:
        with pd.ExcelFile(path, engine="calamine") as book:
            sheet = form.sheet or str(book.sheet_names[0])
            if sheet not in book.sheet_names:
                sheets = ", ".join(map(str, book.sheet_names))
                raise InputProblems(
                    [
                        InputProblem(
                            name,
                            f"has no sheet {sheet}, it has {masked(sheets)}",
                            "correct `sheet` in feeds.yaml, or name the sheet as before",
                        )
                    ]
                )
            # Without na_filter a text such as NA would become an empty cell.
            cells = pd.read_excel(book, sheet_name=sheet, header=None, dtype=object, na_filter=False)
        # The reader gives error values as empty cells, but an amount that could not be computed is not 0.
        for row, column, text in _error_cells(path, sheet):
            cells.iat[row, column] = text
    except (
        python_calamine.CalamineError,
        zipfile.BadZipFile,
        ElementTree.ParseError,
        KeyError,
        ValueError,
        IndexError,
    ) as error:
        raise InputProblems(
            [InputProblem(name, "is not a readable Excel workbook", "save it again as .xlsx and deliver it")]
        ) from error
    return cells


_ERROR_CELL = re.compile(rb'<(?:\w+:)?c\b([^>]*\bt="e"[^>]*)>(.*?)</(?:\w+:)?c>', re.DOTALL)
_UNCOMPUTED_CELL = re.compile(
    rb"<(?:\w+:)?c\b([^>]*[^>/])>\s*<(?:\w+:)?f\b[^>]*(?:/>|>[^<]*</(?:\w+:)?f>)\s*</(?:\w+:)?c>"
)
_CELL_NAME = re.compile(rb'\br="([A-Z]+)([0-9]+)"')
_CELL_VALUE = re.compile(rb"<(?:\w+:)?v>(.*?)</", re.DOTALL)


def _error_cells(path: Path, sheet: str) -> Iterator[tuple[int, int, str]]:
    """(row, column, text) of each cell without a usable value, counted from 0.

    Those are error values, and formulas that the writing program never computed.
    """
    with zipfile.ZipFile(path) as book:
        listed = ElementTree.fromstring(book.read("xl/workbook.xml")).findall(".//{*}sheet")
        part_ids = {
            each.get("name"): next(value for key, value in each.items() if key.endswith("}id"))
            for each in listed
        }
        parts = {
            each.get("Id"): each.get("Target", "")
            for each in ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
        }
        target = parts[part_ids[sheet]]
        content = book.read(target.removeprefix("/") if target.startswith("/") else f"xl/{target}")
    unusable = [
        (attributes, value.group(1).decode() if (value := _CELL_VALUE.search(inside)) else "#ERROR")
        for attributes, inside in _ERROR_CELL.findall(content)
    ] + [(attributes, "#NOT COMPUTED") for attributes in _UNCOMPUTED_CELL.findall(content)]
    for attributes, text in unusable:
        if (place := _CELL_NAME.search(attributes)) is not None:
            column = 0
            for letter in place.group(1):
                column = column * 26 + letter - ord("A") + 1
            yield int(place.group(2)) - 1, column - 1, text


def _cell_text(cell: object, form: Format) -> str | None:
    """A cell as a person would have typed it by the file's conventions; None if it is empty."""
    if cell is None or cell == "" or cell != cell:  # NaN is how pandas leaves a cell empty
        return None
    match cell:
        case bool():
            return form.true_words[0] if cell else form.false_words[0]
        case int() | float():
            # Excel keeps 15 digits: what a computed cell holds beyond them is binary noise that it does not
            # show. A number too long for that has lost digits; as 1.23e+15 it is refused later.
            shown = f"{cell:.15g}"
            text = shown if abs(cell) >= 1e15 else format(Decimal(shown), "f")
            return text.replace(".", form.decimal)
        case date():
            return cell.strftime(form.date)
        case time():
            return cell.isoformat()
        case _:
            return str(cell)


# --- parquet --------------------------------------------------------------------------------------
def _read_parquet(
    con: duckdb.DuckDBPyConnection, path: Path, name: str, form: Format, wanted: list[str], target: Path
) -> Records:
    types = _parquet_types(con, path, name)
    kept = _resolve(wanted, list(types), name)
    chosen = ", ".join(
        f"{_typed_as_text(identifier(found), types[found], form)} as {identifier(column)}"
        for column, found in kept.items()
    )
    query = f"select {chosen or 'null as nothing'} from read_parquet({literal(path)})"
    return Records(query, tuple(kept), 1, problem=lambda error: _parquet_problem(error, name))


def _parquet_types(con: duckdb.DuckDBPyConnection, path: Path, name: str) -> dict[str, str]:
    try:
        described = con.execute(f"describe select * from read_parquet({literal(path)})").fetchall()
    except duckdb.Error as error:
        raise InputProblems([_unreadable_parquet(name)]) from error
    return {row[0]: str(row[1]) for row in described}


def _parquet_problem(error: duckdb.Error, name: str) -> InputProblem | None:
    return None if isinstance(error, _OF_A_MAPPING) else _unreadable_parquet(name)


def _unreadable_parquet(name: str) -> InputProblem:
    return InputProblem(
        name, "is not a readable Parquet file, it is damaged or cut off", "deliver the file again"
    )


def _typed_as_text(column: str, sql_type: str, form: Format) -> str:
    text = f"cast({column} as varchar)"
    if sql_type.startswith(("DATE", "TIMESTAMP")):
        return f"strftime({column}, {literal(form.date)})"
    if sql_type == "BOOLEAN":
        words = literal(form.true_words[0]), literal(form.false_words[0])
        return f"case when {column} then {words[0]} when not {column} then {words[1]} end"
    if sql_type.startswith("DECIMAL") or sql_type in FLOATS:
        return f"replace({text}, '.', {literal(form.decimal)})" if form.decimal != "." else text
    return text


# --- json -----------------------------------------------------------------------------------------
# DuckDB reads JSON numbers as binary floats. Before it parses the text, every number outside of a string
# becomes a string that begins with this sign, so that its digits stay as they came.
_NUMBER_MARK = "chr(1)"
_STRING = r'"(?:[^"\\]|\\.)*"'
_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"


def _read_json(
    con: duckdb.DuckDBPyConnection, path: Path, name: str, form: Format, wanted: list[str], target: Path
) -> Records:
    levels = form.records.split(".") if form.records else []
    text = _as_utf8(path, name, form, target.with_suffix(".utf8"))
    _refuse_open_array(text, name)
    query = _json_documents(text)
    try:
        for depth, key in enumerate(levels):
            _require_json_key(con, query, levels[: depth + 1], name)
            query = (
                f"select * from (select *, unnest({_json_elements(f'level{depth}', key)}) "
                f"as level{depth + 1} from ({query})) where level{depth + 1} is not null"
            )
        chosen = ", ".join(f"{_json_text(column, levels, form)} as {identifier(column)}" for column in wanted)
        relation = _copy(con, f"select {chosen or 'null as nothing'} from ({query})", target)
        absent = _absent_json_columns(con, query, wanted, levels)
    except duckdb.Error as error:
        if "nvalid unicode" in str(error) or "not valid UTF8" in str(error):
            raise InputProblems([_encoding_problem(text, name, form)]) from error
        fault = re.search(r"Malformed JSON in file .*?, (at byte .*?)\.?\s*$", str(error).splitlines()[0])
        place = fault.group(1) if fault else str(error).splitlines()[0]
        raise InputProblems(
            [
                InputProblem(
                    name,
                    f"is not valid JSON ({masked(place)})",
                    "deliver the file again, it may be cut off",
                )
            ]
        ) from None
    return Records(relation, tuple(wanted), 1, absent, is_decoded=True, is_written=True)


def _absent_json_columns(
    con: duckdb.DuckDBPyConnection, query: str, wanted: list[str], levels: list[str]
) -> tuple[str, ...]:
    """Fields may be missing from a record, but one that no record has may be a misspelt name."""
    places = [_json_place(column, levels) for column in wanted]
    if not places:
        return ()
    having = ", ".join(
        f"bool_or(json_exists(level{depth}, {literal(_json_path(keys))}))" for depth, keys in places
    )
    found = con.execute(f"select {having} from ({query})").fetchall()[0]
    return tuple(column for column, has in zip(wanted, found, strict=True) if has is False)


def _json_place(column: str, levels: list[str]) -> tuple[int, list[str]]:
    """A dotted path from the top of the file: the deepest level that it passes, and the keys from there."""
    keys = column.split(".")
    depth = 0
    while depth < len(levels) and keys[: depth + 1] == levels[: depth + 1] and len(keys) > depth + 1:
        depth += 1
    return depth, keys[depth:]


def _refuse_open_array(text: Path, name: str) -> None:
    """DuckDB takes an array that was cut off behind a comma for a whole one."""
    with text.open("rb") as stream:
        head = stream.read(_CHUNK).lstrip()
        stream.seek(-min(_CHUNK, text.stat().st_size), os.SEEK_END)
        tail = stream.read().rstrip()
    if head.startswith(b"[") and not tail.endswith(b"]"):
        raise InputProblems(
            [
                InputProblem(
                    name,
                    "is not valid JSON (its array is never closed)",
                    "deliver the file again, it may be cut off",
                )
            ]
        )


def _json_documents(text: Path) -> str:
    """SQL of the file's objects, one per row as `level0`, numbers marked."""
    # Strings are matched so that digits within them stay alone; what they leave behind is empty marks.
    token = literal(f"({_STRING})|({_NUMBER})")
    tokens = f"regexp_replace(json, {token}, '\\1' || chr(1) || '\\2' || chr(2), 'g')"
    without_empty = f"replace({tokens}, chr(1) || chr(2), '')"
    marked = f"replace(replace({without_empty}, chr(1), '\"\\u0001'), chr(2), '\"')"
    return (
        f"select cast({marked} as json) as level0 from read_json_objects({literal(text)}, "
        f"format = 'auto', maximum_object_size = {max(text.stat().st_size, 1 << 20)})"
    )


def _require_json_key(con: duckdb.DuckDBPyConnection, query: str, path: list[str], name: str) -> None:
    """A file that has objects but none with the declared records is another file than was declared."""
    has_key = f"json_exists(level{len(path) - 1}, {literal(_json_path(path[-1:]))})"
    ((objects, having),) = con.execute(
        f"select count(*), count(*) filter ({has_key}) from ({query})"
    ).fetchall()
    if objects and not having:
        raise InputProblems(
            [
                InputProblem(
                    name,
                    f"has no {'.'.join(path)}, where its records are declared to be",
                    "correct `records` in feeds.yaml, or deliver the file again",
                )
            ]
        )


def _json_path(keys: Iterable[str]) -> str:
    return "$" + "".join(f'."{key}"' for key in keys)


def _json_elements(level: str, key: str) -> str:
    path = literal(_json_path([key]))
    every = literal(_json_path([key]) + "[*]")
    return (
        f"case json_type({level}, {path}) when 'ARRAY' then json_extract({level}, {every}) "
        f"when 'NULL' then [] else [json_extract({level}, {path})] end"
    )


def _json_text(column: str, levels: list[str], form: Format) -> str:
    """SQL of the text at a dotted path."""
    depth, keys = _json_place(column, levels)
    path = literal(_json_path(keys))
    text = f"json_extract_string(level{depth}, {path})"
    number = f"substr({text}, 2)"
    if form.decimal != ".":
        number = f"replace({number}, '.', {literal(form.decimal)})"
    true, false = literal(form.true_words[0]), literal(form.false_words[0])
    # Numbers are strings by now, so what still is a number is a word that JSON does not know.
    return (
        f"case when starts_with({text}, {_NUMBER_MARK}) then {number} "
        f"when json_type(level{depth}, {path}) = 'DOUBLE' then error('NaN is no JSON value') "
        f"when json_type(level{depth}, {path}) = 'BOOLEAN' "
        f"then case {text} when 'true' then {true} else {false} end else {text} end"
    )


# --- common ---------------------------------------------------------------------------------------
def _clean_name(cell: str) -> str:
    return unicodedata.normalize("NFC", cell).strip(" \t\u00a0\u202f\ufeff")


def _resolve(wanted: list[str], header: list[str], name: str) -> dict[str, str]:
    """Wanted column -> column of the file, whatever its case.

    Raises:
        InputProblems: a wanted column is missing or stands there twice.
    """
    _refuse_cpr_in_header(header, name)
    problems = []
    resolved: dict[str, str] = {}
    for column in wanted:
        clean = _clean_name(column)
        # DuckDB does not tell names apart by case, so a header must not either.
        found = [each for each in header if each.casefold() == clean.casefold()]
        if len(found) == 1:
            resolved[column] = found[0]
        elif found:
            problems.append(
                InputProblem(
                    name,
                    f"the header has this column {len(found)} times",
                    "give each column its own name in the file",
                    column=column,
                )
            )
        else:
            has = ", ".join(each for each in header if each)
            problems.append(
                InputProblem(
                    name,
                    f"the column is missing, the file has {has}",
                    "deliver the file with that column, or correct its name in feeds.yaml",
                    column=column,
                )
            )
    if problems:
        raise InputProblems(problems)
    return resolved


def _refuse_cpr_in_header(header: Iterable[str], name: str) -> None:
    """A file without the header that is declared for it shows a person's number where a name should stand."""
    problems = [
        InputProblem(
            name,
            f"the name of column {number} {REASON}",
            "give the column another name, or correct `header_row` or `column_names` in feeds.yaml",
        )
        for number, column in enumerate(header, start=1)
        if has_cpr(column)
    ]
    if problems:
        raise InputProblems(problems)


def _copy(con: duckdb.DuckDBPyConnection, query: str, target: Path) -> str:
    """Write what a query gives; SQL that reads it back, with `file_row_number`."""
    con.execute(f"copy ({query}) to {literal(target)} (format parquet, compression zstd)")
    return f"select * from read_parquet({literal(target)}, file_row_number = true)"


def looks_decoded_wrongly(column: str) -> str:
    """SQL of whether text was decoded, but evidently not by the encoding it was written in."""
    # Most text is ASCII, and comparing its lengths is much quicker than the pattern.
    return (
        f"case when strlen({column}) <> length({column}) "
        f"then regexp_matches({column}, {literal(_MOJIBAKE)}) else false end"
    )


def refuse_wrong_encoding(con: duckdb.DuckDBPyConnection, records: Records, name: str, form: Format) -> None:
    """Return if no text looks as if it had been decoded by the wrong encoding.

    Raises:
        InputProblems: the first record that has such text.
    """
    if not (records.is_decoded and records.columns):
        return
    quoted = [identifier(column) for column in records.columns]
    hits = [looks_decoded_wrongly(column) for column in quoted]
    choice = " ".join(
        f"when {hit} then {literal(column)}" for hit, column in zip(hits, records.columns, strict=True)
    )
    value = " ".join(f"when {hit} then {column}" for hit, column in zip(hits, quoted, strict=True))
    found = con.execute(
        f"select place, case {choice} end, case {value} end "
        f"from (select *, row_number() over () as place from ({records.relation})) "
        f"where {' or '.join(hits)} order by 1 limit 1"
    ).fetchone()
    if found:
        raise InputProblems(
            [
                InputProblem(
                    name,
                    f"'{masked(found[2])}' shows that the text is not {form.encoding} as declared",
                    "correct `encoding` in feeds.yaml, or export the file again",
                    record=records.first_record - 1 + found[0],
                    column=found[1],
                )
            ]
        )
