"""What the door is fuzzed with, and what must hold whatever it gets.

It ends in bounded time; it gives records, or says in its own sentences why not; and each value that it loads is the
one that an independent reading gives: csv and json of the standard library, or what was put into a workbook. How
long and by which engine is asked of `tests/fuzz.py`; `test_fuzz` asks for seconds. What was found once is a test
beside the rule that broke.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from unicodedata import category

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_intake import Taken, taken, workspace_of
from small_workbooks import row as sheet_row
from small_workbooks import workbook

from kunderegnskab.problems import InputProblems

# A file of a few records: reading it takes a tenth of a second on a quiet machine.
HANGS_SECONDS = 60
COLUMNS = ("doc", "type", "day", "qty", "net", "disc", "note")
FEEDS = """
sales_lines:
  - files: {file}
    format: {form}
    columns: {{document_no: doc, document_type: type, posting_date: day, quantity: qty, net_amount: net,
      discount_amount: disc, product_id: note}}
"""
VALUES = (
    "select _source_record, document_no, document_type, posting_date, quantity, net_amount, discount_amount, "
    "product_id from raw.sales_lines order by 1"
)
_ENGINE_ERROR = re.compile(
    r"\b(Binder|Catalog|Conversion|Parser|Internal|Invalid Input|Out of Range|Out of Memory|Syntax|IO|Fatal|"
    r"Not implemented|Serialization|Permission|TransactionContext|INTERNAL) Error\b|Traceback"
)
_Seen = TypeVar("_Seen")
_BLANKS = " \t\u00a0\u202f"


def door(feeds: str, files: Mapping[str, str | bytes], look: Callable[[Taken], _Seen]) -> _Seen | None:
    """What `look` sees of a workspace with these files; None if it is refused, in its own sentences."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            result = taken(workspace_of(Path(folder), feeds, files))
            with result.con:
                for read, *found in result.rows(
                    "select records_read, records_loaded, records_rejected, records_left_out from raw.files"
                ):
                    assert read == sum(found)
                return look(result)
        except InputProblems as error:
            _assert_plain(error, folder)
            return None
        except BaseException as error:
            error.add_note(f"feeds.yaml: {feeds}\nfiles: {files!r}")
            raise
        finally:
            assert time.monotonic() - began < HANGS_SECONDS


def read(feeds: str, files: Mapping[str, str | bytes]) -> list[dict[str, Any]] | None:
    """The loaded records by column and `_record`; None if the file is refused."""
    return door(
        feeds,
        files,
        lambda result: [dict(zip(("_record", *COLUMNS), row, strict=True)) for row in result.rows(VALUES)],
    )


def _assert_plain(error: InputProblems, folder: str) -> None:
    assert error.problems
    for problem in error.problems:
        sentence = problem.sentence()
        # Spaces of other widths (Zs) are ordinary text.
        assert all(sign.isprintable() or category(sign) == "Zs" for sign in sentence), sentence
        assert folder not in sentence, sentence
        assert not _ENGINE_ERROR.search(sentence), sentence


# --- what text means, once more ---------------------------------------------------------------------------
def number(text: str, decimal: str = ".", thousands: str | None = None) -> Decimal | None:
    """The number as the conventions have it; None where it is none."""
    grouped = rf"\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|" if thousands else ""
    found = re.fullmatch(rf"(-?)({grouped}\d+)(?:{re.escape(decimal)}(\d*))?", text.strip(_BLANKS), re.ASCII)
    if found is None:
        return None
    whole = found[2].replace(thousands, "") if thousands else found[2]
    return Decimal(f"{found[1]}{whole}.{found[3] or '0'}")


def day(text: str, form: str) -> date | None:
    """The day; None where it is none."""
    try:
        return datetime.strptime(text.strip(_BLANKS), form).date()
    except ValueError:
        return None


def assert_is(loaded: dict[str, Any], expected: Mapping[str, Any]) -> None:
    """Each value that was loaded is the expected one."""
    for column, value in expected.items():
        assert loaded[column] == value, (column, loaded[column], value)


def edited(content: bytes, edits: list[tuple[int, bytes]]) -> bytes:
    """The bytes with others in some places."""
    for place, new in edits:
        at = place % (len(content) + 1)
        content = content[:at] + new + content[at + len(new) // 2 :]
    return content


EDITS = st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=4)), max_size=3)
TEXT = st.text(alphabet="abÆø 0.,;\"'\n\r\t|-\u00a0\u202e\x1b\x00{}[]%\\", max_size=8)
AMOUNT_TEXT = st.one_of(
    st.sampled_from(
        ["0", "1", "-2,50", "1.234,5", "1,234.5", "1234.56", "--1", "1e3", "", " 7 ", "9" * 20, "1-"]
    ),
    st.decimals(-(10**6), 10**6, places=2).map(str),
)
DAYS = st.sampled_from(["2024-01-31", "31-01-2024", "2024-02-30", "01/02/2024", "", "infinity", "2024-1-1"])
TYPES = st.sampled_from(["invoice", "credit_note", "INVOICE", "x", ""])
RECORD = st.tuples(
    st.one_of(TEXT, st.sampled_from(["F1", "F2"])), TYPES, DAYS, AMOUNT_TEXT, AMOUNT_TEXT, AMOUNT_TEXT, TEXT
)


# --- csv --------------------------------------------------------------------------------------------------
@st.composite
def csv_files(draw: st.DrawFn) -> dict[str, Any]:
    decimal, thousands = draw(st.sampled_from([(".", None), (",", None), (",", "."), (".", ",")]))
    return {
        "delimiter": draw(st.sampled_from([";", ",", "\t", "|"])),
        "decimal": decimal,
        "thousands": thousands,
        "encoding": draw(st.sampled_from(["utf-8", "cp1252", "utf-16"])),
        "date": draw(st.sampled_from(["%Y-%m-%d", "%d-%m-%Y", "%m/%d/%Y"])),
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        "end": draw(st.sampled_from(["\n", "\r\n"])),
        "records": draw(st.lists(RECORD, max_size=5)),
        "edits": draw(st.one_of(st.just([]), EDITS)),
    }


def check_csv(case: dict[str, Any]) -> None:
    """A csv file by its declared dialect, whole or with some bytes changed."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=case["delimiter"], quoting=case["quoting"], lineterminator=case["end"])
    writer.writerow(COLUMNS)
    writer.writerows(case["records"])
    content = edited(out.getvalue().encode(case["encoding"], "replace"), case["edits"])
    form = {"type": "csv"} | {
        key: case[key] for key in ("delimiter", "decimal", "thousands", "encoding", "date") if case[key]
    }
    found = read(FEEDS.format(file="salg.csv", form=json.dumps(form)), {"salg.csv": content})
    if found is None:
        return
    # Whatever it could be loaded from, the standard library must be able to read as well.
    encoding = "utf-8-sig" if case["encoding"] == "utf-8" else case["encoding"]
    lines = csv.reader(io.StringIO(content.decode(encoding), newline=""), delimiter=case["delimiter"])
    header, *rows = [line for line in lines if line]
    at = {name.strip(f"{_BLANKS}\ufeff").casefold(): place for place, name in enumerate(header)}
    for loaded in found:
        fields = rows[loaded["_record"] - 1]
        assert len(fields) == len(header)
        text = {name: fields[at[name]] for name in COLUMNS}
        conventions = case["decimal"], case["thousands"]
        assert_is(
            loaded,
            {
                "type": text["type"].strip(_BLANKS).lower(),
                "day": day(text["day"], case["date"]),
                **{name: number(text[name], *conventions) for name in ("qty", "net", "disc")},
                "doc": text["doc"].strip(_BLANKS),
                "note": text["note"].strip(_BLANKS) or None,
            },
        )


# --- workbooks --------------------------------------------------------------------------------------------
# Excel keeps 15 digits.
CELL_NUMBER = st.builds(
    lambda whole, decimals: f"{whole}.{decimals:02d}", st.integers(-(10**9), 10**9), st.integers(0, 99)
)
SERIAL = st.integers(61, 73_000)
WORD = st.text(alphabet="abÆø 0.,-x_&<>\u00a0", min_size=1, max_size=6)


@st.composite
def sheet_files(draw: st.DrawFn) -> dict[str, Any]:
    number_cell = st.one_of(
        st.tuples(st.sampled_from(["number", "formula"]), CELL_NUMBER),
        st.tuples(st.just("text"), CELL_NUMBER),
        st.tuples(st.sampled_from(["error", "not computed", "none"]), st.just("")),
    )
    cells = st.fixed_dictionaries(
        {
            "doc": st.one_of(st.tuples(st.sampled_from(["text", "formula text"]), WORD)),
            "day": st.tuples(st.sampled_from(["date", "number"]), SERIAL),
            "qty": number_cell,
            "net": number_cell,
            "note": st.one_of(
                st.tuples(st.just("text"), WORD),
                st.tuples(st.sampled_from(["error", "not computed", "none", "empty text"]), st.just("")),
            ),
        }
    )
    return {
        "rows": draw(st.lists(st.one_of(st.none(), cells), max_size=5)),
        "last": draw(st.sampled_from(["A1:G9", "A1:XFD1048576", "A1", "B7:C2"])),
        "edits": draw(st.one_of(st.just([]), EDITS)),
    }


def _cell(place: str, kind: str, value: object) -> str:
    shown = str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {
        "text": f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>',
        "formula text": f'<c r="{place}" t="str"><f>A1</f><v>{shown}</v></c>',
        "empty text": f'<c r="{place}" t="str"><f>A1</f><v></v></c>',
        "number": f'<c r="{place}"><v>{shown}</v></c>',
        "formula": f'<c r="{place}"><f>1+1</f><v>{shown}</v></c>',
        "date": f'<c r="{place}" s="1"><v>{shown}</v></c>',
        "error": f'<c r="{place}" t="e"><v>#N/A</v></c>',
        "not computed": f'<c r="{place}"><f>1+1</f><v></v></c>',
        "none": "",
    }[kind]


def check_xlsx(case: dict[str, Any]) -> None:
    """A workbook, whole or with some bytes of its sheet changed."""
    rows = [sheet_row(1, list(COLUMNS))]
    plain = {"type": ("text", "invoice"), "disc": ("number", "0")}
    for number_of_row, cells in enumerate(case["rows"], start=2):
        if cells is not None:
            every = {name: {**plain, **cells}[name] for name in COLUMNS}
            made = "".join(
                _cell(f"{chr(ord('A') + at)}{number_of_row}", *each) for at, each in enumerate(every.values())
            )
            rows.append(f'<row r="{number_of_row}">{made}</row>')
    sheet = edited("".join(rows).encode(), case["edits"]).decode("utf-8", "replace")
    feeds = FEEDS.format(file="salg.xlsx", form="{type: xlsx}")
    found = read(feeds, {"salg.xlsx": workbook(sheet, case["last"])})
    if found is None or case["edits"]:
        return
    loaded = {each["_record"]: each for each in found}
    unknown = ("error", "not computed")
    for number_of_row, cells in enumerate(case["rows"], start=2):
        if cells is None or number_of_row not in loaded:
            continue
        assert not [kind for kind, _ in cells.values() if kind in unknown]
        assert_is(
            loaded[number_of_row],
            {
                "doc": cells["doc"][1].strip(_BLANKS),
                "day": date(1899, 12, 30) + timedelta(days=cells["day"][1]),
                "qty": Decimal(cells["qty"][1]),
                "net": Decimal(cells["net"][1]),
                "note": cells["note"][1].strip(_BLANKS) or None,
            },
        )
        assert cells["day"][0] == "date"


# --- json -------------------------------------------------------------------------------------------------
NUMBER_TOKEN = st.one_of(
    st.sampled_from(["0", "-0", "1.10", "1e2", "1E-2", "12345678901234567890.1", "0.30", "-7.5", "1.23456"]),
    st.decimals(-(10**6), 10**6, places=4).map(str),
)


class _Token(str):
    """A number as it stands in the file."""


@st.composite
def json_files(draw: st.DrawFn) -> dict[str, Any]:
    value = st.one_of(NUMBER_TOKEN.map(_Token), AMOUNT_TEXT, st.none(), st.booleans())
    record = st.fixed_dictionaries(
        {"doc": TEXT, "type": TYPES, "day": DAYS, "qty": value, "net": value, "disc": value},
        optional={"note": st.one_of(TEXT, NUMBER_TOKEN.map(_Token)), "other": st.lists(value, max_size=2)},
    )
    return {
        "form": draw(st.sampled_from(["array", "lines", "inside"])),
        "ascii": draw(st.booleans()),
        "records": draw(st.lists(record, max_size=4)),
        "edits": draw(st.one_of(st.just([]), EDITS)),
    }


def _json(value: Any, is_ascii: bool) -> str:
    match value:
        case _Token():
            return str(value)
        case dict():
            inside = (f"{json.dumps(key)}: {_json(each, is_ascii)}" for key, each in value.items())
            return "{" + ", ".join(inside) + "}"
        case list():
            return "[" + ",".join(_json(each, is_ascii) for each in value) + "]"
        case _:
            return json.dumps(value, ensure_ascii=is_ascii)


def check_json(case: dict[str, Any]) -> None:
    """A JSON file in each of its forms, whole or with some bytes changed."""
    records = case["records"]
    text = {
        "array": lambda: _json(records, case["ascii"]),
        "lines": lambda: "".join(f"{_json(each, case['ascii'])}\n" for each in records),
        "inside": lambda: _json({"data": {"lines": records}}, case["ascii"]),
    }[case["form"]]()
    content = edited(text.encode(), case["edits"])
    if not content:
        return
    form = {"type": "json"} | ({"records": "data.lines"} if case["form"] == "inside" else {})
    found = read(FEEDS.format(file="salg.json", form=json.dumps(form)), {"salg.json": content})
    if found is None:
        return
    kept = _documents(content.decode("utf-8-sig"))
    if case["form"] == "inside":
        kept = [each for document in kept for each in _inside(document)]
    for loaded in found:
        record = kept[loaded["_record"] - 1]
        amounts = {name: record.get(name) for name in ("qty", "net", "disc")}
        assert_is(
            loaded,
            {
                "type": str(record["type"]).strip(_BLANKS).lower(),
                "day": day(str(record["day"]), "%Y-%m-%d"),
                **{name: _amount(value) for name, value in amounts.items() if value is not None},
            },
        )


def _documents(text: str) -> list[Any]:
    """The objects of an array, of one document, or of several on end."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return dict(reversed(pairs))  # the first of a key that stands twice

    decoder = json.JSONDecoder(parse_float=_Token, parse_int=_Token, object_pairs_hook=unique)
    found = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        document, at = decoder.raw_decode(text, at)
        found += document if isinstance(document, list) else [document]
    return found


def _inside(document: Any) -> list[Any]:
    lines = document["data"]["lines"] if isinstance(document.get("data"), dict) else None
    return lines if isinstance(lines, list) else [] if lines is None else [lines]


def _amount(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    return number(str(value))


# --- feeds.yaml -------------------------------------------------------------------------------------------
KEYS = [
    "sales_lines", "customers", "files", "format", "columns", "expressions", "values", "where", "total_rows",
    "lookups", "allow_rejects", "monthly_since", "type", "delimiter", "quote", "encoding", "header_row",
    "column_names", "sheet", "records", "decimal", "thousands", "negative", "date", "true_words", "key",
    "source_column", "optional", "column", "words", "count", "reason", "document_no", "net_amount", "x",
]  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**12),
    st.floats(allow_nan=True),
    st.sampled_from(
        ["csv", "json", "*.csv", "salg.csv", "../salg.csv", ";", ",", "%d", "%Y-%m-%d", "", "doc", "'"]
    ),
    TEXT,
)
TREE = st.recursive(
    SCALARS,
    lambda inside: st.one_of(
        st.lists(inside, max_size=3), st.dictionaries(st.sampled_from(KEYS), inside, max_size=4)
    ),
    max_leaves=12,
)
GOOD = {
    "files": "salg.csv",
    "format": {"type": "csv"},
    "columns": {
        "document_no": "doc", "document_type": "type", "posting_date": "day", "quantity": "qty",
        "net_amount": "net", "discount_amount": "disc", "product_id": "note",
    },
}  # fmt: skip
GOOD_FILE = f"{','.join(COLUMNS)}\nF1,invoice,2024-01-31,2,10.50,0.00,V1\n"


@st.composite
def feeds_files(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(["text", "tree", "near"]))
    if kind == "text":
        return draw(st.text(alphabet="abc:-{}[]&*!|>'\"#%@, \n\t?~0", max_size=60))
    if kind == "tree":
        return json.dumps(draw(TREE))
    source: dict[str, Any] = json.loads(json.dumps(GOOD))
    places = [source, source["format"], source["columns"]]
    for key, value in draw(st.dictionaries(st.sampled_from(KEYS), TREE, max_size=3)).items():
        places[draw(st.integers(0, 2))][key] = value
    return json.dumps({"sales_lines": [source]})


def check_feeds(case: str) -> None:
    """A feeds.yaml: any text, any tree, or one that is nearly right."""
    amounts = door(
        case, {"salg.csv": GOOD_FILE}, lambda result: result.values("select net_amount from raw.sales_lines")
    )
    # What stands in the file's columns, or in a column of numbers that a changed mapping may name.
    assert set(amounts or ()) <= {Decimal("10.50"), Decimal(2), Decimal(0), Decimal(1050)}


# --- expressions ------------------------------------------------------------------------------------------
ATOMS = st.one_of(
    st.sampled_from(
        ["qty", "net", "doc", '"day"', "missing", "'x'", "1", "1.5", "null", "true", "'2024-01-31'", "-1"]
    ),
    st.integers(-(10**20), 10**20).map(str),
)
FUNCTIONS = [
    "number", "date", "upper", "lower", "substr", "round", "coalesce", "concat", "regexp_replace", "left", "repeat",
    "lpad", "range", "list_value", "sum", "now", "random", "sleep", "getenv", "read_text", "error", "strptime",
    "divide", "replace", "abs", "nullif", "length", "chr", "sqrt", "try", "current_setting", "unnest", "hash",
]  # fmt: skip


def _compound(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    call = st.builds(
        lambda name, arguments: f"{name}({', '.join(arguments)})",
        st.sampled_from(FUNCTIONS),
        st.lists(inside, max_size=3),
    )
    signs = [
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "||",
        "=",
        "<",
        "and",
        "or",
        "like",
        "in",
        "is not",
        "^",
        "**",
        "->",
    ]
    two = st.builds(lambda a, sign, b: f"({a} {sign} {b})", inside, st.sampled_from(signs), inside)
    types = [
        "integer",
        "decimal(18,4)",
        "date",
        "varchar",
        "double",
        "int[]",
        "json",
        "timestamp",
        "hugeint",
        "x",
    ]
    cast = st.builds(lambda a, to: f"cast({a} as {to})", inside, st.sampled_from(types))
    case = st.builds(lambda a, b, c: f"case when {a} then {b} else {c} end", inside, inside, inside)
    odd = st.builds(
        lambda a, form: form.format(a),
        inside,
        st.sampled_from(
            [
                "(select {})",
                "{} over ()",
                "[{} for x in [1]]",
                "{{'a': {}}}",
                "x -> {}",
                "{};",
                "{} --",
                "{} /*",
                "-{}",
            ]
        ),
    )
    return st.one_of(call, two, cast, case, odd)


EXPRESSION = st.one_of(
    st.recursive(ATOMS, _compound, max_leaves=8), st.text(alphabet="abnet()',.\";-+*/ 01\n\x00", max_size=20)
)


@st.composite
def expression_cases(draw: st.DrawFn) -> tuple[str, str]:
    return draw(st.sampled_from(["net_amount", "document_no", "posting_date", "where"])), draw(EXPRESSION)


def check_expressions(case: tuple[str, str]) -> None:
    """Any text in place of an expression or condition, over a file of good and bad records."""
    column, text = case
    source = json.loads(json.dumps(GOOD))
    if column == "where":
        source["where"] = text
    else:
        del source["columns"][column]
        source["expressions"] = {column: text}
    content = GOOD_FILE + "F2,credit_note,31-01-2024,x,,1,\nF3,,,,,,\n"
    door(json.dumps({"sales_lines": [source]}), {"salg.csv": content}, lambda _: None)


TARGETS: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], None]]] = {
    "csv": (csv_files(), check_csv),
    "xlsx": (sheet_files(), check_xlsx),
    "json": (json_files(), check_json),
    "feeds": (feeds_files(), check_feeds),
    "expressions": (expression_cases(), check_expressions),
}


def fuzzed(target: str, **options: Any) -> Any:
    """The property of a target as a test of hypothesis.

    Args:
        options: its settings, e.g. `max_examples`.
    """
    strategy, check = TARGETS[target]
    chosen = settings(
        deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=True, **options
    )

    def test(case: Any) -> None:
        check(case)

    return chosen(given(case=strategy)(test))
