"""Files of every format become one thing: a Parquet file of text, one row per record, in file order.

Text stays as it came; numbers and dates of typed formats are written by the file's declared
conventions, so that everything after this module reads text alone. What the columns mean, and
whether their text can be read, belongs in `typed`.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO, cast

import duckdb

from kunderegnskab.ingest.conventions import identifier, literal
from kunderegnskab.problems import InputProblem, InputProblems
from kunderegnskab.workspace import Format

_CHUNK = 1 << 22
# Letters that UTF-8 text turns into when it is read as cp1252 (Danish letters and the like), and the
# sign that a decoder leaves for what it could not read.
_MOJIBAKE = "\u00c3[\u00a6\u00b8\u00a5\u2020\u02dc\u2026\u0160\u00a9\u00b6\u00a4\u00bc]|\ufffd"


@dataclass(frozen=True)
class Records:
    """A file's records as text.

    Attributes:
        path: Parquet file whose row n is record `first_record` + n.
        columns: the source's own column names that were kept.
        first_record: number of the first record (Excel: its sheet row).
    """

    path: Path
    columns: tuple[str, ...]
    first_record: int


def read_records(
    con: duckdb.DuckDBPyConnection, path: Path, name: str, form: Format, wanted: Iterable[str], target: Path
) -> Records:
    """Write the wanted columns of a file to `target`.

    Args:
        con: a connection that may read `path` and write beside `target`.
        name: the file as messages name it.
        wanted: the source columns to keep, by their names in the file.

    Raises:
        InputProblems: the file cannot be read as declared, or lacks a wanted column.
    """
    reader = {"csv": _read_csv, "xlsx": _read_xlsx, "parquet": _read_parquet, "json": _read_json}[form.type]
    return reader(con, path, name, form, list(dict.fromkeys(wanted)), target)


# --- csv ------------------------------------------------------------------------------------------
def _read_csv(
    con: duckdb.DuckDBPyConnection, path: Path, name: str, form: Format, wanted: list[str], target: Path
) -> Records:
    with _as_utf8(path, name, form, target.with_suffix(".utf8")) as text:
        header = list(form.column_names) or _csv_header(text, name, form)
        kept = _resolve(wanted, header, name)
        # Repeated or empty names are allowed as long as nothing is read from them.
        declared = [column if column in kept.values() else f"column {n}" for n, column in enumerate(header)]
        columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in declared)
        chosen = ", ".join(f"{identifier(found)} as {identifier(column)}" for column, found in kept.items())
        query = (
            f"select {chosen or 'null as nothing'} from read_csv({literal(str(text))}, auto_detect = false, "
            f"header = false, skip = {form.header_row}, delim = {literal(form.delimiter)}, "
            f"quote = {literal(form.quote)}, escape = {literal(form.quote)}, columns = {{{columns}}}, "
            f"strict_mode = true, null_padding = false, compression = 'auto')"
        )
        try:
            _copy(con, query, target)
        except duckdb.Error as error:
            raise InputProblems([_csv_problem(str(error), name, form)]) from error
    records = Records(target, tuple(kept), 1)
    _refuse_mojibake(con, records, name, form)
    return records


def _csv_header(text: Path, name: str, form: Format) -> list[str]:
    with _text_stream(text) as stream:
        reader = csv.reader(stream, delimiter=form.delimiter, quotechar=form.quote or None)
        try:
            for _ in range(form.header_row - 1):
                next(reader)
            return [_clean_name(cell) for cell in next(reader)]
        except StopIteration:
            raise InputProblems(
                [InputProblem(name, f"has no header in row {form.header_row}", "correct `header_row` in feeds.yaml")]
            ) from None
        except UnicodeDecodeError as error:
            raise InputProblems([_encoding_problem(name, form, error)]) from error


@contextmanager
def _text_stream(path: Path) -> Iterator[io.TextIOBase]:
    opened = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
    with opened as stream, io.TextIOWrapper(cast(BinaryIO, stream), encoding="utf-8-sig", newline="") as text:
        yield text


@contextmanager
def _as_utf8(path: Path, name: str, form: Format, scratch: Path) -> Iterator[Path]:
    """The file itself if it is UTF-8, else a UTF-8 copy that is removed afterwards."""
    if form.encoding in ("utf-8", "utf-8-sig"):
        yield path  # DuckDB itself refuses what is not UTF-8
        return
    decoder = codecs.getincrementaldecoder(form.encoding)("strict")
    source = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
    done = 0
    try:
        with source, scratch.open("wb") as copy:
            while chunk := source.read(_CHUNK):
                copy.write(decoder.decode(chunk).encode("utf-8"))
                done += len(chunk)
            copy.write(decoder.decode(b"", final=True).encode("utf-8"))
        yield scratch
    except UnicodeError as error:
        raise InputProblems([_encoding_problem(name, form, error, done)]) from error
    except (OSError, EOFError) as error:
        raise InputProblems(
            [InputProblem(name, "cannot be unpacked, the file is damaged or cut off", "deliver the file again")]
        ) from error
    finally:
        scratch.unlink(missing_ok=True)


def _encoding_problem(name: str, form: Format, error: UnicodeError, offset: int = 0) -> InputProblem:
    place = f" (byte {offset + error.start + 1:,})" if isinstance(error, UnicodeDecodeError) else ""
    return InputProblem(
        name,
        f"is not {form.encoding} text as declared{place}",
        "correct `encoding` in feeds.yaml, or export the file again",
    )


def _csv_problem(message: str, name: str, form: Format) -> InputProblem:
    line = re.search(r"CSV Error on Line: (\d+)", message)
    at = f"line {line.group(1)} " if line else ""
    if "nvalid unicode" in message:
        return InputProblem(
            name,
            f"{at}is not {form.encoding} text as declared",
            "correct `encoding` in feeds.yaml, or export the file again",
        )
    if fields := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message):
        expected, found = fields.groups()
        return InputProblem(
            name,
            f"{at}has {found} fields, the header has {expected}",
            "correct that line (an unquoted delimiter or a file that was cut off), or `delimiter` in feeds.yaml",
        )
    if "unterminated quote" in message:
        return InputProblem(
            name, f"{at}opens a quote that is never closed", "correct that line, or `quote` in feeds.yaml"
        )
    first = message.splitlines()[0].removeprefix("Invalid Input Error: ")
    return InputProblem(name, f"cannot be read as csv: {first}", "correct the file, or its format in feeds.yaml")


# --- xlsx -----------------------------------------------------------------------------------------
def _read_xlsx(
    con: duckdb.DuckDBPyConnection, path: Path, name: str, form: Format, wanted: list[str], target: Path
) -> Records:
    import pandas as pd  # 0.4 s, only where there are workbooks

    try:
        with pd.ExcelFile(path, engine="calamine") as book:
            sheet = form.sheet or str(book.sheet_names[0])
            if sheet not in book.sheet_names:
                sheets = ", ".join(str(each) for each in book.sheet_names)
                raise InputProblems(
                    [InputProblem(name, f"has no sheet {sheet}, it has {sheets}", "correct `sheet` in feeds.yaml")]
                )
            cells = book.parse(sheet, header=None, dtype=object)
    except InputProblems:
        raise
    except Exception as error:  # calamine and zipfile have no common error
        raise InputProblems(
            [InputProblem(name, "is not a readable Excel workbook", "save it again as .xlsx and deliver it")]
        ) from error
    if form.header_row > len(cells):
        raise InputProblems(
            [InputProblem(name, f"has no header in row {form.header_row}", "correct `header_row` in feeds.yaml")]
        )
    header = list(form.column_names) or [
        _clean_name(_cell_text(cell, form) or "") for cell in cells.iloc[form.header_row - 1]
    ]
    kept = _resolve(wanted, header, name)
    body = cells.iloc[form.header_row :]
    # Rows that are empty in every cell stay in place, so that a record's number is its sheet row.
    frame = pd.DataFrame(
        {
            column: body.iloc[:, header.index(found)].map(lambda cell: _cell_text(cell, form)).astype("str")
            for column, found in kept.items()
        }
    )
    con.register("workbook", frame)
    try:
        _copy(con, f"select {_list(kept)} from workbook", target)
    finally:
        con.unregister("workbook")
    return Records(target, tuple(kept), form.header_row + 1)


def _cell_text(cell: object, form: Format) -> str | None:
    """A cell as a person would have typed it by the file's conventions; None if it is empty."""
    if cell is None or cell == "" or cell != cell:  # NaN is what pandas leaves for an empty cell
        return None
    match cell:
        case bool():
            return form.true_words[0] if cell else form.false_words[0]
        case int():
            return str(cell)
        case float():
            # The shortest text that gives the same number back is what the sheet shows.
            return format(Decimal(repr(cell)), "f").replace(".", form.decimal)
        case datetime() | date():
            return cell.strftime(form.date)
        case time():
            return cell.isoformat()
        case _:
            return str(cell)


# --- parquet --------------------------------------------------------------------------------------
def _read_parquet(
    con: duckdb.DuckDBPyConnection, path: Path, name: str, form: Format, wanted: list[str], target: Path
) -> Records:
    source = f"read_parquet({literal(str(path))})"
    try:
        types = {row[0]: str(row[1]) for row in con.execute(f"describe select * from {source}").fetchall()}
    except duckdb.Error as error:
        raise InputProblems(
            [InputProblem(name, "is not a readable Parquet file", "deliver the file again")]
        ) from error
    kept = _resolve(wanted, list(types), name)
    chosen = ", ".join(
        f"{_typed_as_text(identifier(found), types[found], form)} as {identifier(column)}"
        for column, found in kept.items()
    )
    _copy(con, f"select {chosen or 'null as nothing'} from {source}", target)
    return Records(target, tuple(kept), 1)


def _typed_as_text(column: str, sql_type: str, form: Format) -> str:
    text = f"cast({column} as varchar)"
    if sql_type.startswith(("DATE", "TIMESTAMP")):
        return f"strftime({column}, {literal(form.date)})"
    if sql_type == "BOOLEAN":
        words = literal(form.true_words[0]), literal(form.false_words[0])
        return f"case when {column} then {words[0]} when not {column} then {words[1]} end"
    if sql_type.startswith("DECIMAL") or sql_type in ("DOUBLE", "FLOAT"):
        return f"replace({text}, '.', {literal(form.decimal)})" if form.decimal != "." else text
    return text


# --- json -----------------------------------------------------------------------------------------
# DuckDB reads JSON numbers as binary floats. Before it parses the text, every number outside of a
# string becomes a string that begins with this sign, so that its digits stay as they came.
_NUMBER_MARK = "\u0001"
_STRING = r'"(?:[^"\\]|\\.)*"'
_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"


def _read_json(
    con: duckdb.DuckDBPyConnection, path: Path, name: str, form: Format, wanted: list[str], target: Path
) -> Records:
    levels = form.records.split(".") if form.records else []
    with _as_utf8(path, name, form, target.with_suffix(".utf8")) as text:
        size = max(text.stat().st_size * (20 if text.suffix == ".gz" else 1), 1 << 20)
        marked = (
            "array_to_string(list_transform(list_zip("
            f"regexp_split_to_array(json, {literal(_STRING)}), regexp_extract_all(json, {literal(_STRING)})), "
            f"lambda part: regexp_replace(part[1], {literal(f'({_NUMBER})')}, "
            f"{literal(chr(34) + _NUMBER_MARK + chr(92) + '1' + chr(34))}, 'g') || coalesce(part[2], '')), '')"
        )
        # \u0001 may not stand raw inside a JSON string.
        marked = marked.replace(_NUMBER_MARK, "\\\\u0001")
        query = (
            f"select cast({marked} as json) as level0 from read_json_objects({literal(str(text))}, "
            f"format = 'auto', maximum_object_size = {size})"
        )
        for depth, key in enumerate(levels):
            query = (
                f"select * from (select *, unnest({_json_elements(f'level{depth}', key)}) as level{depth + 1} "
                f"from ({query})) where level{depth + 1} is not null"
            )
        chosen = ", ".join(f"{_json_text(column, levels, form)} as {identifier(column)}" for column in wanted)
        try:
            _copy(con, f"select {chosen or 'null as nothing'} from ({query})", target)
        except duckdb.Error as error:
            first = re.sub(r"\s+", " ", str(error).splitlines()[0])
            raise InputProblems(
                [InputProblem(name, f"is not valid JSON ({first})", "deliver the file again")]
            ) from error
    return Records(target, tuple(wanted), 1)


def _json_elements(level: str, key: str) -> str:
    path = literal(f'$."{key}"')
    every = literal(f'$."{key}"[*]')
    return (
        f"case json_type({level}, {path}) when 'ARRAY' then json_extract({level}, {every}) "
        f"else [json_extract({level}, {path})] end"
    )


def _json_text(column: str, levels: list[str], form: Format) -> str:
    """A dotted path from the top of the file, taken at the deepest array that it passes."""
    parts = column.split(".")
    depth = 0
    while depth < len(levels) and parts[: depth + 1] == levels[: depth + 1] and len(parts) > depth + 1:
        depth += 1
    inner = "$" + "".join(f'."{part}"' for part in parts[depth:])
    text = f"json_extract_string(level{depth}, {literal(inner)})"
    number = f"substr({text}, 2)"
    if form.decimal != ".":
        number = f"replace({number}, '.', {literal(form.decimal)})"
    true, false = literal(form.true_words[0]), literal(form.false_words[0])
    return (
        f"case when starts_with({text}, chr(1)) then {number} "
        f"when json_type(level{depth}, {literal(inner)}) = 'BOOLEAN' "
        f"then case {text} when 'true' then {true} else {false} end else {text} end"
    )


# --- common ---------------------------------------------------------------------------------------
def _clean_name(cell: str) -> str:
    return unicodedata.normalize("NFC", cell).strip(" \t\u00a0\u202f\ufeff")


def _list(columns: Iterable[str]) -> str:
    return ", ".join(identifier(column) for column in columns) or "null as nothing"


def _resolve(wanted: list[str], header: list[str], name: str) -> dict[str, str]:
    """Wanted column -> column of the file, whatever its case.

    Raises:
        InputProblems: a wanted column is missing or stands there twice.
    """
    problems = []
    resolved: dict[str, str] = {}
    for column in wanted:
        clean = _clean_name(column)
        found = [each for each in header if each == clean] or [
            each for each in header if each.casefold() == clean.casefold()
        ]
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


def _copy(con: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    con.execute(f"copy ({query}) to {literal(str(target))} (format parquet, compression zstd)")


def _refuse_mojibake(con: duckdb.DuckDBPyConnection, records: Records, name: str, form: Format) -> None:
    """Text that was decoded, but evidently not by the encoding it was written in."""
    if not records.columns:
        return
    pattern = literal(_MOJIBAKE)
    hits = [f"regexp_matches({identifier(column)}, {pattern})" for column in records.columns]
    choice = " ".join(
        f"when {hit} then {literal(column)}" for hit, column in zip(hits, records.columns, strict=True)
    )
    value = " ".join(
        f"when {hit} then {identifier(column)}" for hit, column in zip(hits, records.columns, strict=True)
    )
    found = con.execute(
        f"select file_row_number, case {choice} end, case {value} end "
        f"from read_parquet({literal(str(records.path))}, file_row_number = true) "
        f"where {' or '.join(hits)} order by 1 limit 1"
    ).fetchone()
    if found:
        raise InputProblems(
            [
                InputProblem(
                    name,
                    f"'{found[2]}' shows that the text is not {form.encoding} as declared",
                    "correct `encoding` in feeds.yaml, or export the file again",
                    record=records.first_record + found[0],
                    column=found[1],
                )
            ]
        )
