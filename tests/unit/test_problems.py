"""What a company's text may do to whoever reads it: nothing. And commands that can be pasted.

Which sentences there are belongs in the tests of the door.
"""

from __future__ import annotations

import io
import json
import shlex
from pathlib import Path

import pytest
from jinja2 import Environment
from rich.table import Table
from rich.text import Text
from small_intake import taken, workspace_of

from kunderegnskab.ingest.rejects import reject_problems
from kunderegnskab.problems import InputProblem, command, on_page, one_line, plain, quoted, refusal
from kunderegnskab_orchestration.commands import output
from kunderegnskab_orchestration.commands.output import PlainConsole, print_json

# What steers a terminal or a page: escape sequences (C0 and C1), backspace, the direction of writing, what
# cannot be seen.
HOSTILE = [
    "\x1b[31mred", "\x1b]0;title\x07", "\x9b2J", "\x85", "a\x08b", "\x7f", "\u202egnp.exe", "\u2066x\u2069",
    "\u200b", "\u200f", "\u2028", "\ufeff", "\U000e0041", "\ue000", "\x00",
]  # fmt: skip
CODES = ["[red]x[/red]", ":bomb:", "[link=file:///x]y[/link]", "[/]"]


def is_harmless(text: str) -> bool:
    return all(sign == "\n" or (sign.isprintable() and sign not in "\ue000") for sign in text)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_steers_a_screen_is_shown_instead(text):
    for shown in (plain(text), one_line(text), quoted(text)):
        assert is_harmless(shown)
        assert "\\" in shown


@pytest.mark.parametrize(
    "text", ["Ærø Båd & Træ", "1\u00a0234,50", "é", "日本", "€ 5", "a\tb\nc", "😀", *CODES]
)
def test_ordinary_text_stays_as_it_is(text):
    assert plain(text) == text


def test_a_quotation_is_one_line_and_not_long():
    assert quoted("a\nb\tc\r") == r"'a\nb\tc\r'"
    assert len(quoted("x" * 500)) == 83


def test_a_problem_is_one_line_whatever_the_names_are():
    said = InputProblem("landing/a\nb.csv", "is \x1b[2Jodd", "rename it", column="\u202ebad").sentence()
    assert is_harmless(said)
    assert "\n" not in said


@pytest.mark.parametrize("text", [*HOSTILE, *CODES])
@pytest.mark.parametrize("is_terminal", [True, False])
def test_nothing_that_is_printed_steers_a_terminal(text, is_terminal):
    written = io.StringIO()
    console = PlainConsole(
        file=written, force_terminal=is_terminal, color_system="truecolor", width=200, soft_wrap=True
    )
    table = Table("name", box=None)
    table.add_row(Text(text))
    table.add_row(text)
    console.print(f"landing/{text}.csv")
    console.print(table)
    said = written.getvalue()
    # Only rich's own styles are left of what a terminal obeys.
    for style in ("\x1b[1m", "\x1b[0m"):
        said = said.replace(style, "")
    assert is_harmless(said)
    if text in CODES:
        assert said.count(text) == 3


@pytest.mark.parametrize("text", HOSTILE)
def test_json_carries_text_exactly_and_harmlessly(text, capsys):
    print_json({text: [text]})
    said = capsys.readouterr().out
    assert json.loads(said) == {text: [text]}
    assert is_harmless(said) or text in ("\U000e0041", "\ue000")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_page_shows_what_steers_it(text):
    page = Environment(autoescape=True, finalize=on_page).from_string("<p>{{ text }}</p>{{ made | safe }}")
    shown = page.render(text=text, made="<b>&amp;</b>")
    assert is_harmless(shown)
    assert shown.endswith("<b>&amp;</b>")


def test_hostile_data_is_quoted_harmlessly(tmp_path):
    feeds = """
    sales_lines:
      - files: salg.csv
        format: {type: csv}
        columns: {document_no: d, document_type: t, posting_date: day, quantity: q, net_amount: n}
        values: {discount_amount: "0"}
    """
    rows = "".join(f'{n},"invoice","{text}",1,1\n' for n, text in enumerate(HOSTILE[:-1]))
    result = taken(workspace_of(tmp_path, feeds, {"salg.csv": f"d,t,day,q,n\n{rows}"}))
    for problem in reject_problems(result.con, limit=20):
        assert is_harmless(problem.sentence())
    # The data itself is kept as it came.
    assert HOSTILE[0] in result.values("select raw_value from raw.rejects")


@pytest.mark.parametrize("folder", ["/tmp/a b", "/tmp/it's", "/tmp/$(rm x)", "/tmp/æø"])
def test_a_command_can_be_pasted(folder):
    assert shlex.split(command("refresh", Path(folder))) == [
        "kunderegnskab",
        "refresh",
        "--workspace",
        folder,
    ]


def test_all_output_is_plain():
    assert isinstance(output.OUT, PlainConsole)
    assert isinstance(output.ERR, PlainConsole)
    assert isinstance(output.wide(), PlainConsole)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "OSError: [Errno 28] No space left on device: '/firma/lake/a.parquet'",
            "/firma/lake/a.parquet cannot be written, because the disk is full; make room there, and run the same "
            "command again.",
        ),
        (
            "(sqlite3.OperationalError) database or disk is full\n[SQL: INSERT ...]",
            "The workspace cannot be written, because the disk is full; make room there, and run the same command "
            "again.",
        ),
        (
            'IO Error: Could not write file "/firma/warehouse/kunderegnskab.duckdb": No space left on device',
            "/firma/warehouse/kunderegnskab.duckdb cannot be written, because the disk is full; make room there, and "
            "run the same command again.",
        ),
        (
            "PermissionError: [Errno 13] Permission denied: '/firma/landing/salg.csv'",
            "/firma/landing/salg.csv cannot be used, because this user has no right to it; give the user that runs "
            "this the right to read and write the workspace, and run the same command again.",
        ),
        (
            "OSError: [Errno 30] Read-only file system: '/firma/state'",
            "/firma/state cannot be written, because its disk or folder can only be read; make it writable, and run "
            "the same command again.",
        ),
        (
            "Out of Memory Error: failed to allocate data of size 2.0 MiB (95.3 MiB/95.3 MiB used)",
            "The memory that the program may use is not enough; give it more, or close what else uses it, and run "
            "the same command again.",
        ),
        (
            "SystemError: error return without exception set",
            "The memory that the program may use is not enough; give it more, or close what else uses it, and run "
            "the same command again.",
        ),
        ("Catalog Error: Table with name x does not exist!", None),
    ],
)
def test_what_the_system_refuses_is_a_sentence(said: str, told: str | None):
    assert refusal(said) == told
