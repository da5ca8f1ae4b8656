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
import io
import json
import os
import re
import shutil
import unicodedata
import zlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast, get_args

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from kunderegnskab.ingest.cpr import REASON, has_cpr, masked
from kunderegnskab.problems import InputProblem, InputProblems, quoted, refusal_of
from kunderegnskab.sql import FLOATS, TEXT, identifier, literal, one_file, parquet
from kunderegnskab.workspace import Format
from kunderegnskab.workspace.mapping import Encoding

if TYPE_CHECKING:
    from kunderegnskab.ingest.workbooks import MergedCells, OpenWorkbook, Row, UnusableCell

_CHUNK = 1 << 22
# No line of a csv file may be longer than this, in bytes.
_LINE_BYTES = 1 << 21
_FEW_BYTES = 1 << 16
# The header of a file lies in its first bytes.
_HEAD = 1 << 16
# A value that nobody knows (a cell of a workbook, a field of JSON or Parquet that is no single value) is text
# between two of these, what it shows, and text behind them, what is wrong; nothing where a document says
# itself that it has no records. A third one and a kind of reject may follow. Unicode keeps the sign for a
# program's own use, so no text has it.
UNUSABLE = "\ufdd0"
_RECORDS_AT_A_TIME = 1 << 16
# What DuckDB raises for SQL that cannot be run, or not to its end, whatever it reads.
_OF_A_MAPPING = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ConversionException,
    duckdb.InterruptException,
    duckdb.OutOfMemoryException,
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
        sheet: which sheet of a workbook they are.
        is_written: whether they stand in a Parquet file of their own, which has `file_row_number`.
        problem: what to say when DuckDB fails on the relation; None if the file is not to blame.
        in_order: gives SQL of the same, slower, to try before that is said; None where there is none. DuckDB
            reads parts of a large csv file side by side, and may take line ends within fields for ends of
            records.
    """

    relation: str
    columns: tuple[str, ...]
    first_record: int
    absent: tuple[str, ...] = ()
    is_decoded: bool = False
    is_written: bool = False
    sheet: str | None = None
    problem: Callable[[duckdb.Error], InputProblem | None] = lambda _: None
    in_order: Callable[[], str | None] = lambda: None


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
        if (in_order := records.in_order()) is not None:
            return written(con, replace(records, relation=in_order, in_order=lambda: None), target)
        # The error quotes the line, and a traceback would carry it into the log.
        raise InputProblems([problem]) from None


def column_names(path: Path, name: str, form: Format) -> list[str]:
    """The names in the header of a csv file or in the schema of a Parquet file.

    Raises:
        InputProblems: the file cannot be read as declared.
    """
    if form.type == "parquet":
        with duckdb.connect() as con:
            header = [column.name for column in _parquet_columns(con, path, name)]
    else:
        header, _ = _csv_header(path, name, form)
    _refuse_cpr_in_header(header, name)
    return header


# --- csv ------------------------------------------------------------------------------------------
def _read_csv(
    con: duckdb.DuckDBPyConnection, path: Path, name: str, form: Format, wanted: list[str], target: Path
) -> Records:
    text = _as_utf8(path, name, form, target.with_suffix(".utf8"))
    _refuse_endless_line(text, name)
    header, above, skipped = list(form.column_names), None, form.header_row
    if not header:
        header, above = _csv_header(text, name, form)
    try:
        kept = _resolve(wanted, header, name)
    except InputProblems:
        if problem := declared_wrongly(path, name, form, lambda other: _has_all(wanted, other)):
            raise InputProblems([problem]) from None
        raise
    if above is not None:
        text, skipped = _with_blank_lines(text, above, target.with_suffix(".records")), above.lines
    # Repeated or empty names are allowed as long as nothing is read from them.
    declared = [column if column in kept.values() else f"column {n}" for n, column in enumerate(header)]
    columns = ", ".join(f"{literal(column)}: {literal(TEXT)}" for column in declared)
    chosen = ", ".join(f"{identifier(found)} as {identifier(column)}" for column, found in kept.items())
    query = (
        f"select {chosen or 'null as nothing'} from read_csv({one_file(text)}, auto_detect = false, "
        f"hive_partitioning = false, header = false, skip = {skipped}, delim = {literal(form.delimiter)}, "
        f"quote = {literal(form.quote)}, escape = {literal(form.quote)}, columns = {{{columns}}}, "
        f"strict_mode = true, null_padding = false, compression = 'auto', max_line_size = {_LINE_BYTES})"
    )

    def problem(error: duckdb.Error) -> InputProblem | None:
        # So DuckDB says that no record ends in what it reads at once. A mapping can raise this error, too.
        if isinstance(error, duckdb.NotImplementedException) and "CSV Reader" in str(error):
            return _long_line(name)
        if not isinstance(error, duckdb.InvalidInputException):
            return None
        if "nvalid unicode" in str(error):
            return _encoding_problem(text, name, form)
        if "CSV" not in str(error):
            return None
        # Where the names are declared, the first line shows a wrong delimiter by its number of fields alone.
        other = None
        if form.header_row == 0:
            other = declared_wrongly(path, name, form, lambda fields: len(fields) == len(form.column_names))
        return other or _csv_problem(str(error), name)

    def in_order() -> str | None:
        # Read in order, a quote that is never closed takes the rest of the file without a word.
        has_pairs = form.quote == "" or _count(text, form.quote.encode()) % 2 == 0
        return f"{query.removesuffix(')')}, parallel = false)" if has_pairs else None

    return Records(query, tuple(kept), 1, is_decoded=True, problem=problem, in_order=in_order)


def _refuse_endless_line(text: Path, name: str) -> None:
    """A last line that is longer than what DuckDB reads at once is lost by it without a word.

    A line of twice the length allowed fills one of the windows that are looked at here; DuckDB itself refuses
    what is shorter. Only the beginning of a window is read, where a line end is nearly always found.
    """
    with text.open("rb") as stream:
        for start in range(0, text.stat().st_size - _LINE_BYTES + 1, _LINE_BYTES):
            stream.seek(start)
            pieces = (stream.read(_FEW_BYTES) for _ in range(_LINE_BYTES // _FEW_BYTES))
            if not any(b"\n" in piece or b"\r" in piece for piece in pieces):
                raise InputProblems([_long_line(name, _line_at(text, start))])


def _count(text: Path, sign: bytes) -> int:
    with text.open("rb") as stream:
        return sum(piece.count(sign) for piece in iter(lambda: stream.read(_CHUNK), b""))


def _line_at(text: Path, place: int) -> int:
    """Number of the line that a byte of the file belongs to."""
    feeds = returns = 0
    with text.open("rb") as stream:
        while place > 0 and (piece := stream.read(min(_CHUNK, place))):
            feeds, returns, place = (
                feeds + piece.count(b"\n"),
                returns + piece.count(b"\r"),
                place - len(piece),
            )
    return 1 + (feeds or returns)


def _long_line(name: str, line: int | None = None) -> InputProblem:
    return InputProblem(
        name,
        f"{f'line {line}' if line else 'a line'} is longer than {_LINE_BYTES >> 20} MB, which no record is",
        "correct it (a line end is missing, or a quote is not closed), or export the file again",
    )


def declared_wrongly(
    path: Path, name: str, form: Format, fits: Callable[[list[str]], bool]
) -> InputProblem | None:
    """That a csv file is written with another delimiter or encoding than declared, if that is evident.

    Args:
        fits: whether the fields of its header are those that it should have. They are not, as declared.
    """
    with _opened(path) as stream, suppress(OSError, EOFError, zlib.error):
        start = stream.read(_HEAD)
        if fits(_header_of(start, form)):
            return None
        tried = [
            form.model_copy(update={"delimiter": delimiter, "encoding": encoding})
            for encoding in sorted(get_args(Encoding), key=lambda each: each != form.encoding)
            for delimiter in sorted(_DELIMITERS, key=lambda each: each != form.delimiter)
        ]
        for other in sorted(tried, key=lambda each: _differences(each, form)):
            if not fits(_header_of(start, other)):
                continue
            said, keys = [], []
            if other.delimiter != form.delimiter:
                said.append(
                    f"{_DELIMITERS[other.delimiter]} stand between its fields, not {form.delimiter!r}"
                )
                keys.append(f"`delimiter: {json.dumps(other.delimiter)}`")
            if other.encoding != form.encoding:
                said.append(f"its text is {other.encoding}, not {form.encoding}")
                keys.append(f"`encoding: {other.encoding}`")
            return InputProblem(
                name,
                f"{' and '.join(said)} as declared",
                f"declare {' and '.join(keys)} in its format in feeds.yaml, or export the file as declared",
            )
        # The names may be wrong too, but one column named `a;b;c` tells of a delimiter all the same.
        header = _header_of(start, form)
        for delimiter, words in _DELIMITERS.items():
            if len(header) == 1 and delimiter in header[0] and delimiter != form.delimiter:
                return InputProblem(
                    name,
                    f"its header is one column, {quoted(masked(header[0]))}, so {words} seem to stand "
                    f"between its fields, not {form.delimiter!r} as declared",
                    "correct `delimiter` in its format in feeds.yaml, or export the file as declared",
                )
    return None


# Signs that stand between fields, as a sentence names them.
_DELIMITERS = {";": "semicolons", ",": "commas", "\t": "tabs", "|": "bars"}


def _differences(other: Format, form: Format) -> int:
    return (other.delimiter != form.delimiter) + (other.encoding != form.encoding)


def _header_of(start: bytes, form: Format) -> list[str]:
    """The fields of the header of a file that starts so; none if it cannot be read like that."""
    encoding = "utf-8-sig" if form.encoding == "utf-8" else form.encoding
    try:
        text = codecs.getincrementaldecoder(encoding)("strict").decode(start)
        lines = csv.reader(
            io.StringIO(text, newline=""), delimiter=form.delimiter, quotechar=form.quote or None
        )
        *_, header = islice(lines, max(form.header_row, 1))
    except (UnicodeError, csv.Error, ValueError):
        return []
    return [_clean_name(field) for field in header]


def _has_all(wanted: Iterable[str], header: Iterable[str]) -> bool:
    has = {each.casefold() for each in header}
    return all(_clean_name(column).casefold() in has for column in wanted)


class _Above(NamedTuple):
    """What stands above the records of a csv file: bytes and lines, and how the lines below it end."""

    size: int
    lines: int
    line_end: str


def _csv_header(text: Path, name: str, form: Format) -> tuple[list[str], _Above | None]:
    """The fields of the header, and what stands above the records.

    None where whoever skips as many lines as the header stands in comes to the same place: each of them ends
    as the one after it, and no line end is within a field.
    """
    with text.open(encoding="utf-8-sig", newline="") as stream:
        lines: list[str] = []
        reader = csv.reader(_noted(stream, lines), delimiter=form.delimiter, quotechar=form.quote or None)
        try:
            for _ in range(form.header_row - 1):
                next(reader)
            header = [_clean_name(cell) for cell in next(reader)]
            above, after = len(lines), next(stream, "")
            ends = {_line_end(line) for line in [*lines, after] if _line_end(line)}
            if above == form.header_row and len(ends) < 2:
                return header, None
            mark = len(codecs.BOM_UTF8) if _has_mark(text) else 0
            return header, _Above(mark + len("".join(lines).encode()), above, _line_end(after) or "\n")
        except StopIteration:
            raise _no_header(name, form) from None
        except UnicodeDecodeError as error:
            raise InputProblems([_encoding_problem(text, name, form)]) from error
        except csv.Error as error:
            raise InputProblems([_csv_problem(str(error), name)]) from error


def _noted(lines: Iterable[str], seen: list[str]) -> Iterator[str]:
    for line in lines:
        seen.append(line)
        yield line


def _line_end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def _with_blank_lines(text: Path, above: _Above, scratch: Path) -> Path:
    """A copy with blank lines above the records, so that each line keeps its number."""
    with text.open("rb") as stream, scratch.open("wb") as copy:
        copy.write((above.line_end * above.lines).encode())
        stream.seek(above.size)
        shutil.copyfileobj(stream, copy, _CHUNK)
    return scratch


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
    if "Maximum line size" in message:
        return _long_line(name, int(line.group(1)) if line else None)
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
    from kunderegnskab.ingest.workbooks import TooLarge, UnreadableWorkbook, opened_workbook

    try:
        with opened_workbook(path) as book:
            sheet = _sheet_name(book, wanted, name, form)
            rows = book.rows(sheet)
            header = list(form.column_names) or _sheet_header(rows, name, form)
            kept = _resolve(wanted, header, name)
            places = {column: header.index(found) + 1 for column, found in kept.items()}
            if form.header_row == 0:
                rows = _within(rows, len(header), name)
            merged = book.merged(sheet)
            _write_sheet(rows, places, merged, form, f"{path.name}!{masked(sheet)}", target)
    except UnreadableWorkbook as error:
        raise InputProblems(
            [InputProblem(name, "is not a readable Excel workbook", "save it again as .xlsx and deliver it")]
        ) from error
    except TooLarge:
        raise InputProblems(
            [
                InputProblem(
                    name,
                    "is too large for a workbook, or says so",
                    "save its sheet as csv, deliver that, and declare it in feeds.yaml",
                )
            ]
        ) from None
    return Records(
        _written_records(target), tuple(kept), form.header_row + 1, is_written=True, sheet=masked(sheet)
    )


def _sheet_name(book: OpenWorkbook, wanted: list[str], name: str, form: Format) -> str:
    if form.sheet is None and book.sheets:
        _refuse_other_sheets(book, wanted, name, form)
        return book.sheets[0]
    if form.sheet in book.sheets:
        return str(form.sheet)
    has = masked(", ".join(book.sheets)) or "none"
    raise InputProblems(
        [
            InputProblem(
                name,
                f"has no sheet {form.sheet or 'with cells'}, it has {has}",
                "correct `sheet` in feeds.yaml, or name the sheet as before",
            )
        ]
    )


def _refuse_other_sheets(book: OpenWorkbook, wanted: list[str], name: str, form: Format) -> None:
    """The first sheet is meant where nobody names one, unless nobody sees it or another could be meant."""
    if len(book.sheets) == 1:
        return
    if book.sheets[0] in book.hidden:
        what = f"its first sheet, {quoted(masked(book.sheets[0]))}, is hidden"
    else:
        seen = [sheet for sheet in book.sheets if sheet not in book.hidden]
        alike = [sheet for sheet in seen if wanted and _fits(book, sheet, wanted, form)]
        if len(alike) < 2:
            return
        what = f"the sheets {' and '.join(quoted(masked(sheet)) for sheet in alike)} all have the columns"
    raise InputProblems(
        [
            InputProblem(
                name,
                f"{what}, and nothing says which sheet is read",
                "name it as `sheet` in the format in feeds.yaml; a source reads one sheet",
            )
        ]
    )


def _fits(book: OpenWorkbook, sheet: str, wanted: list[str], form: Format) -> bool:
    """Whether a sheet has the header that was declared, and a record."""
    rows = book.rows(sheet)
    try:
        header = list(form.column_names) or _sheet_header(rows, "", form)
    except InputProblems:
        return False
    return _has_all(wanted, header) and any(cells for _, cells in rows)


def _sheet_header(rows: Iterator[Row], name: str, form: Format) -> list[str]:
    """The names in the header's row; `rows` goes on behind it."""
    for number, cells in rows:
        if number < form.header_row:
            continue
        if number > form.header_row:
            break
        # A name that nobody knows is none: a mapped column that it should name is missing.
        names = {place: _sheet_text(cell, form, "") or "" for place, cell in cells.items()}
        known = {place: name for place, name in names.items() if not name.startswith(UNUSABLE)}
        return [_clean_name(known.get(place, "")) for place in range(1, max(cells, default=0) + 1)]
    raise _no_header(name, form)


def _within(rows: Iterator[Row], width: int, name: str) -> Iterator[Row]:
    """The rows; a column that nobody has named would put all behind it into the place of another.

    Raises:
        InputProblems: a row is wider.
    """
    for number, cells in rows:
        if any(place > width and cell != "" for place, cell in cells.items()):
            raise InputProblems(
                [
                    InputProblem(
                        name,
                        f"has a value beside the {width} columns that `column_names` names",
                        "name all columns of the sheet there in their order, or empty what stands beside "
                        "them",
                        record=number,
                    )
                ]
            )
        yield number, cells


class _Merged:
    """The merged cells of a sheet as its rows pass by, from the top: which cells they show a value over."""

    def __init__(self, merged: list[MergedCells], places: Iterable[int], header_row: int) -> None:
        """Take all of the sheet, and the columns that are asked for."""
        ordered = sorted(merged, key=lambda each: each.first_row)
        self._by_place = {
            place: [each for each in ordered if each.first_column <= place <= each.last_column]
            for place in places
        }
        self._beginning: dict[int, list[MergedCells]] = defaultdict(list)
        for each in ordered:
            self._beginning[each.first_row].append(each)
        # What begins with the header is taken to show something.
        self._valued = {each for each in ordered if each.first_row <= header_row}

    def pass_by(self, row: int, cells: Mapping[int, Any]) -> None:
        """Note the values of the next row."""
        self._valued.update(
            each for each in self._beginning.get(row, ()) if cells.get(each.first_column) not in (None, "")
        )

    def hidden(self, row: int, place: int) -> UnusableCell | None:
        """What stands in a cell of the row passed by last, if others show their value over it."""
        within = self._by_place[place]
        at = bisect_right(within, row, key=lambda each: each.first_row)  # they never overlap
        return within[at - 1].hides(row, place) if at and within[at - 1] in self._valued else None


def _write_sheet(
    rows: Iterator[Row],
    places: Mapping[str, int],
    merged: list[MergedCells],
    form: Format,
    sheet: str,
    target: Path,
) -> None:
    """Write the columns at these places as text, a record for each row up to the last with a value.

    Args:
        merged: all of the sheet.
    """
    merges = _Merged(merged, places.values(), form.header_row)
    schema = pa.schema([(column, pa.string()) for column in places or ("nothing",)])
    batch: list[list[str | None]] = []
    nothing: list[str | None] = [None] * len(schema)
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:

        def write() -> None:
            columns = list(zip(*batch, strict=True)) or [()] * len(schema)
            writer.write_table(pa.table([pa.array(texts, pa.string()) for texts in columns], schema))
            batch.clear()

        done = form.header_row
        for number, cells in rows:
            if number <= form.header_row or not cells:
                continue
            # Rows that are empty in every cell stay in place, so that a record's number is its sheet row.
            for _ in range(done + 1, number):
                batch.append(nothing)
                if len(batch) == _RECORDS_AT_A_TIME:
                    write()
            done = number
            merges.pass_by(number, cells)
            texts = [
                _sheet_text(merges.hidden(number, place) or cells.get(place), form, sheet)
                for place in places.values()
            ]
            batch.append(texts or nothing)
            if len(batch) >= _RECORDS_AT_A_TIME:
                write()
        write()


def _sheet_text(cell: object, form: Format, sheet: str) -> str | None:
    from kunderegnskab.ingest.workbooks import UnusableCell

    if not isinstance(cell, UnusableCell):
        return _cell_text(cell, form)
    place = f"{sheet}!{cell.place}"
    if cell.merged is not None:
        hidden = f"{place} is part of the merged cells {cell.merged}, of which only the first has a value"
        return f"{UNUSABLE}{UNUSABLE}{hidden}{UNUSABLE}merged"
    if cell.error is None:
        return f"{UNUSABLE}{UNUSABLE}{place} is a formula without a stored value"
    return f"{UNUSABLE}{cell.error}{UNUSABLE}is the error that {place} shows"


def _cell_text(cell: object, form: Format) -> str | None:
    """A cell as a person would have typed it by the file's conventions; None if it is empty."""
    from kunderegnskab.ingest.workbooks import NEARLY_MIDNIGHT

    if cell is None or cell == "":
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
        case datetime() if cell.time() == NEARLY_MIDNIGHT and not form.timezone:
            return cell.strftime(form.date)
        case datetime() if not form.has_clock and (form.timezone or cell.time() != time()):
            return cell.isoformat(" ")
        case date() if not isinstance(cell, datetime) and form.has_clock and form.timezone:
            return cell.isoformat()  # no moment, so nothing to be moved from one zone to another
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
    found = _parquet_columns(con, path, name)
    columns = {each.name: each for each in found}
    kept = _resolve(wanted, [each.name for each in found], name)
    chosen = ", ".join(
        f"{_typed_as_text(identifier(columns[own].read_as), columns[own].sql_type, form)} "
        f"as {identifier(column)}"
        for column, own in kept.items()
    )
    query = f"select {chosen or 'null as nothing'} from {parquet(path)}"
    return Records(query, tuple(kept), 1, problem=lambda error: _parquet_problem(error, name))


class _ParquetColumn(NamedTuple):
    """A column: its name in the file, DuckDB's name of it, which differs where two are alike, its type."""

    name: str
    read_as: str
    sql_type: str


def _parquet_columns(con: duckdb.DuckDBPyConnection, path: Path, name: str) -> list[_ParquetColumn]:
    try:
        names = pq.read_schema(path).names
        described = con.execute(f"describe select * from {parquet(path)}").fetchall()
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if refusal_of(error):
            raise
        raise InputProblems([_unreadable_parquet(name)]) from error
    return [_ParquetColumn(own, row[0], str(row[1])) for own, row in zip(names, described, strict=True)]


def _parquet_problem(error: duckdb.Error, name: str) -> InputProblem | None:
    return None if isinstance(error, _OF_A_MAPPING) else _unreadable_parquet(name)


def _unreadable_parquet(name: str) -> InputProblem:
    return InputProblem(
        name, "is not a readable Parquet file, it is damaged or cut off", "deliver the file again"
    )


# Types of several values in one field, besides lists.
_NESTED = ("STRUCT", "MAP", "UNION", "VARIANT", "GEOMETRY")


def _typed_as_text(column: str, sql_type: str, form: Format) -> str:
    text = f"cast({column} as varchar)"
    if sql_type.startswith(_NESTED) or sql_type.endswith("]"):
        nested = _unusable("has several values in one field, expected one: deliver a column for each")
        return f"case when {column} is not null then {nested} end"
    if sql_type == "BLOB":
        binary = _unusable("is no text but bytes: deliver it as text")
        return f"case when {column} is not null then coalesce(try(decode({column})), {binary}) end"
    if sql_type == "TIMESTAMP WITH TIME ZONE":
        return text
    if sql_type.startswith("TIMESTAMP") and not form.has_clock:
        # A moment stays one, so that the declared zone, or a sentence, can say which day it is.
        if form.timezone:
            return text
        day = f"date_trunc('day', {column})"
        return f"case when {column} = {day} then strftime({column}, {literal(form.date)}) else {text} end"
    if sql_type.startswith(("DATE", "TIMESTAMP")):
        return f"strftime({column}, {literal(form.date)})"
    if sql_type == "BOOLEAN":
        words = literal(form.true_words[0]), literal(form.false_words[0])
        return f"case when {column} then {words[0]} when not {column} then {words[1]} end"
    if sql_type.startswith("DECIMAL") or sql_type in FLOATS:
        return _number_text(text, form)
    return text


def _number_text(text: str, form: Format) -> str:
    """SQL of a number's digits as the file's conventions write them; a whole number has no decimals.

    What writes 1 as 1.0, because its column has gaps, means line 1 and customer 1 all the same.
    """
    whole = f"regexp_replace({text}, '\\.0+$', '')"
    return f"replace({whole}, '.', {literal(form.decimal)})" if form.decimal != "." else whole


# --- json -----------------------------------------------------------------------------------------
# DuckDB reads JSON numbers as binary floats. Before it parses the text, every number outside of a string
# becomes a string that begins with this sign, so that its digits stay as they came.
_NUMBER_MARK = "chr(1)"
# What a document without records has in their place: a number without digits, which no file has.
_NO_RECORDS = "cast('\"\\u0001\"' as json)"
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
            elements = _json_elements(f"level{depth}", key)
            query = f"select *, unnest({elements}) as level{depth + 1} from ({query})"
        fault = _json_fault_of_all(wanted, levels)
        chosen = ", ".join(
            f"{_json_text(column, levels, form, fault)} as {identifier(column)}" for column in wanted
        )
        relation = _copy(con, f"select {chosen or 'null as nothing'} from ({query})", target)
        absent = _absent_json_columns(con, query, wanted, levels)
    except duckdb.Error as error:
        if "nvalid unicode" in str(error) or "not valid UTF8" in str(error):
            raise InputProblems([_encoding_problem(text, name, form)]) from error
        broken = re.search(r"Malformed JSON in file .*?, (at byte .*?)\.?\s*$", str(error).splitlines()[0])
        place = broken.group(1) if broken else re.sub(r"^[\w ]+ Error: ", "", str(error).splitlines()[0])
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
    is_record = f"level{len(levels)} is not null and not {_has_no_records(f'level{len(levels)}')}"
    found = con.execute(f"select {having} from ({query}) where {is_record}").fetchall()[0]
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
    # Text that begins with the mark would be taken for a number.
    escaped = literal(r"(^|[^\\])(\\\\)*\\u0001")
    has_mark = rf"contains(json, '\u0001') and regexp_matches(json, {escaped})"
    refused = "error('a text has the character \\u0001')"
    return (
        f"select cast(case when {has_mark} then {refused} else {marked} end as json) "
        f"as level0 from read_json_objects({one_file(text)}, hive_partitioning = false, "
        f"format = 'auto', maximum_object_size = {max(text.stat().st_size, 1 << 20)})"
    )


def _require_json_key(con: duckdb.DuckDBPyConnection, query: str, path: list[str], name: str) -> None:
    """A file that has objects but none with the declared records is another file than was declared."""
    level = f"level{len(path) - 1}"
    has_key = f"json_exists({level}, {literal(_json_path(path[-1:]))})"
    ((objects, having),) = con.execute(
        f"select count(*), count(*) filter ({has_key}) from ({query}) "
        f"where {level} is not null and not {_has_no_records(level)}"
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
    """SQL of what a document has under a key; a document without records stays one row.

    That row is NULL where the key is missing or null, and _NO_RECORDS where it has an empty array.
    """
    path = literal(_json_path([key]))
    every = literal(_json_path([key]) + "[*]")
    return (
        f"case when {_has_no_records(level)} then [{level}] "
        f"when json_array_length({level}, {path}) > 0 then json_extract({level}, {every}) "
        f"when json_type({level}, {path}) = 'ARRAY' then [{_NO_RECORDS}] "
        f"when json_type({level}, {path}) = 'NULL' then [cast(null as json)] "
        f"else [json_extract({level}, {path})] end"
    )


def _has_no_records(level: str) -> str:
    return f"({level} = {_NO_RECORDS})"


def _unusable(reason: str) -> str:
    return literal(f"{UNUSABLE}{UNUSABLE}{reason}")


def _json_fault(depth: int, keys: list[str], levels: list[str]) -> str:
    """SQL branches of a `case` for what keeps the place of a column from having one value."""
    level = f"level{depth}"
    branches = []
    last = f"level{len(levels)}"
    if levels:
        records = ".".join(levels)
        missing = f"has no {records}, where its records are declared to be"
        branches += [
            f"when {last} is null then {_unusable(missing)}",
            f"when {_has_no_records(last)} then {_unusable('')}",
        ]
    # A document that is null is NULL where the file holds nothing else.
    no_object = _unusable("is sought in a record that is no object: correct `records`, or deliver objects")
    branches.append(f"when coalesce(json_type({last}), 'NULL') <> 'OBJECT' then {no_object}")
    twice = _unusable("stands more than once in one object, so its value is unknown")
    other_case = _unusable("is written in other small and capital letters: name it alike in all records")
    # Also the keys on the way to the records, of which the reader follows the first alone.
    passed = [(f"level{place}", [key]) for place, key in enumerate(levels[:depth])]
    for inside, path in [*passed, *((level, keys[: place + 1]) for place in range(len(keys)))]:
        names = f"json_keys({inside}, {literal(_json_path(path[:-1]))})"
        same = f"list_filter({names}, lambda name: lower(name) = lower({literal(path[-1])}))"
        branches.append(f"when len({same}) > 1 then {twice}")
        branches.append(f"when {same}[1] <> {literal(path[-1])} then {other_case}")
    kind = f"json_type({level}, {literal(_json_path(keys))})"
    nested = {
        "OBJECT": "is an object, expected one value: map a field of it, with a dot between the names",
        "ARRAY": "is an array, expected one value: name it as `records`, or deliver one value",
    }
    branches += [f"when {kind} = '{each}' then {_unusable(what)}" for each, what in nested.items()]
    return " ".join(branches)


def _json_fault_of_all(wanted: list[str], levels: list[str]) -> str:
    """SQL branch for one object in the place of the array of records: it may be a record or hold several."""
    last = len(levels)
    inside = [keys for depth, keys in (_json_place(column, levels) for column in wanted) if depth == last]
    if not (levels and inside):
        return ""
    has_one = " or ".join(f"json_exists(level{last}, {literal(_json_path(keys))})" for keys in inside)
    several = _unusable(
        "is sought in one object that has none of the mapped columns, where `records` declares an array: "
        "correct `records`, or deliver an array"
    )
    stands = f"json_type(level{last - 1}, {literal(_json_path(levels[-1:]))}) = 'OBJECT'"
    return f"when {stands} and not ({has_one}) then {several}"


def _json_text(column: str, levels: list[str], form: Format, fault: str) -> str:
    """SQL of the text at a dotted path.

    Args:
        fault: SQL branches for what keeps any column from having a value.
    """
    depth, keys = _json_place(column, levels)
    path = literal(_json_path(keys))
    text = f"json_extract_string(level{depth}, {path})"
    number = _number_text(f"substr({text}, 2)", form)
    true, false = literal(form.true_words[0]), literal(form.false_words[0])
    # Numbers are strings by now, so what still is a number is a word that JSON does not know.
    return (
        f"case {_json_fault(depth, keys, levels)} {fault} "
        f"when starts_with({text}, {_NUMBER_MARK}) then {number} "
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
    return _written_records(target)


def _written_records(target: Path) -> str:
    return f"select * from {parquet(target, 'file_row_number = true')}"


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
    names = [identifier(column) for column in records.columns]
    hits = [looks_decoded_wrongly(column) for column in names]
    choice = " ".join(
        f"when {hit} then {literal(column)}" for hit, column in zip(hits, records.columns, strict=True)
    )
    value = " ".join(f"when {hit} then {column}" for hit, column in zip(hits, names, strict=True))
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
                    f"{quoted(masked(found[2]))} shows that the text is not {form.encoding} as declared",
                    "correct `encoding` in feeds.yaml, or export the file again",
                    record=records.first_record - 1 + found[0],
                    column=found[1],
                )
            ]
        )
