"""The SQL that a mapping may carry: what it can do, and that it cannot reach beyond its record.

Reading conventions themselves belong in test_ingest_conventions.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from small_intake import Taken, problems_of, taken, workspace_of

from kunderegnskab.ingest import lake
from kunderegnskab.problems import InputProblems
from kunderegnskab.workspace.expressions import BadExpression, parse

FEEDS = """
sales_lines:
  - files: salg.csv
    format: {{type: csv, delimiter: ";", decimal: ",", thousands: ".", date: "%d-%m-%Y"}}
    columns: {{document_no: Bilag, quantity: Antal}}
    values: {{discount_amount: "0", document_type: invoice}}
    expressions:
      posting_date: date(Dato)
      net_amount: {net}
    {more}
"""
HEADER = "Bilag;Dato;Antal;Beløb;Tekst"


def sales(root: Path, rows: list[str], net: str = 'number("Beløb")', more: str = "", **files: str) -> Taken:
    feeds = FEEDS.format(net=net, more=more)
    content = "\n".join([HEADER, *rows, ""])
    return taken(workspace_of(root, feeds, {"salg.csv": content, **files}))


def refusal(root: Path, net: str, more: str = "") -> str:
    workspace = workspace_of(
        root, FEEDS.format(net=net, more=more), {"salg.csv": f"{HEADER}\n1;01-02-2024;1;5,00;x\n"}
    )
    (sentence,) = problems_of(workspace)
    return sentence


def test_number_reads_by_the_files_conventions(tmp_path):
    result = sales(tmp_path, ["1;01-02-2024;2;1.234,56;x"], net='number("Beløb") * number(Antal) * 0.5')
    assert result.values("select net_amount from raw.sales_lines") == [Decimal("1234.56")]


def test_column_names_are_found_whatever_their_case(tmp_path):
    result = sales(tmp_path, ["1;01-02-2024;2;3,00;x"], net='number("BELØB") + number("beløb")')
    assert result.values("select net_amount from raw.sales_lines") == [Decimal(6)]


def test_unreadable_number_in_an_expression_rejects_the_record(tmp_path):
    result = sales(tmp_path, ["1;01-02-2024;1;5,00;x", "2;01-02-2024;1;5.00;x", "3;2024-02-01;1;5,00;x"])
    assert result.values("select document_no from raw.sales_lines") == ["1"]
    assert [reject[:3] for reject in result.rejects] == [(2, "Beløb", "5.00"), (3, "Dato", "2024-02-01")]
    assert "cannot be computed" in result.rejects[0][3]


@pytest.mark.parametrize(
    "more",
    [
        "  cost_amount: case when number(Tekst) > 0 then 1 else 2 end",
        "  currency: case when number(Tekst) = 1 then 'EUR' else 'DKK' end",
        "  line_type: if(number(Tekst) >= 0, 'deposit', 'goods')",
        "  customer_id: case when number(Tekst) > 0 then 'K1' else 'K2' end",
        "where: case when number(Tekst) <> 0 then true else false end",
    ],
)
def test_a_choice_among_constants_that_cannot_be_made_rejects_the_record(tmp_path, more):
    rows = ["1;01-02-2024;1;5,00;abc", "2;01-02-2024;1;5,00;1"]
    result = sales(tmp_path, rows, more=more)
    assert result.values("select document_no from raw.sales_lines") == ["2"]
    assert [reject[:3] for reject in result.rejects] == [(1, "Tekst", "abc")]


ROWS = [
    "1;01-02-2024;1;5,00;x",
    "2;01-02-2024;1;5.00;x",
    "3;2024-02-01;1;5,00;x",
    "4;01-02-2024;?;5,00;x",
    "5;01-02-2024;1;5,00;y",
]
TWICE = """{net}
      cost_amount: {cost}"""


@pytest.mark.parametrize(
    ("net", "cost"),
    [
        ('number("Beløb")', 'number("Beløb")'),
        ('number("Beløb") * number(Antal)', '-number("Beløb") * number(Antal)'),
        ("case when Tekst = 'x' then number(\"Beløb\") else 0.5 end", 'abs(number("Beløb"))'),
        ('number("Beløb") + number("Beløb")', 'divide(number("Beløb"), number("Beløb"), 2)'),
    ],
)
@pytest.mark.parametrize("more", ["", "where: number(\"Beløb\") > 0 and number(Antal) <> 0 or Tekst = 'y'"])
def test_a_value_that_several_expressions_read_rejects_the_record_alone(tmp_path, net, cost, more):
    result = sales(tmp_path, ROWS, net=TWICE.format(net=net, cost=cost), more=more)
    assert result.values("select document_no from raw.sales_lines order by 1") == ["1", "5"]
    assert [reject[:3] for reject in result.rejects] == [
        (2, "Beløb", "5.00"),
        (3, "Dato", "2024-02-01"),
        (4, "Antal", "?"),
    ]


@pytest.mark.parametrize(
    "net",
    [
        'number(case when number(Antal) > 0 then "Beløb" end)',  # what it reads fails itself
        "cast(Tekst as integer) + cast(Tekst as integer)",
        "number(Tekst) + strptime(Tekst, '%d')::date - date '2024-01-01'",
        "cast('9' || Tekst as tinyint)",
    ],
)
def test_no_error_of_the_engine_reaches_a_user(tmp_path, net):
    rows = ["1;01-02-2024;?;5,00;x", "2;01-02-2024;1;5,00;1,5", "3;01-02-2024;0;5,00;99999999999999999999"]
    for more in ("", "where: Tekst = '1,5'", f"where: ({net}) > 0"):
        try:
            reasons = [
                reject[3] for reject in sales(tmp_path / str(len(more)), rows, net=net, more=more).rejects
            ]
        except InputProblems as error:
            reasons = [problem.sentence() for problem in error.problems]
        assert "Error" not in "".join(reasons)
        assert "INT" not in "".join(reasons)


@pytest.mark.parametrize(
    ("net", "sentence"),
    [
        ('2 * "Beløb"', '2 * "Beløb" does not take a number and text; read text with number() or date()'),
        ('case when "Beløb" > 5 then 1 end', "does not take text and a number"),
        ("case when Dato > date '2024-01-01' then 1 end", "does not take text and a day"),
        ("divide(number(Antal), Antal, 2)", "does not take a number and text"),
        ("upper(number(Antal))", "upper(number(Antal)) does not take a number"),
        (
            'cast("Beløb" as decimal(18, 2))',
            "would read text as a number by other conventions than the file's",
        ),
        ('2 * "Beløb"::decimal(18, 2)', "write number(x), which follows the source's format"),
        ('try_cast("Beløb" as decimal(18, 2))', "write number(x)"),
        ("case when cast(Dato as date) > date '2024-01-01' then 1 end", "write date(x)"),
        ("case when Antal in (1, 2) then 1 end", "compares a number with text"),
        ("case when nullif(Antal, 1) is null then 1 end", "compares a number with text"),
        ("case Antal when 1 then 2 end", "compares a number with text"),
        ("case when Antal > '5' then 1 end", "asks which text comes first"),
        ("case when Dato >= '01-02-2024' then 1 end", "asks which text comes first"),
        ("case when Dato between '01-02-2024' and '05-02-2024' then 1 end", "asks which text comes first"),
        ('number(least(Antal, "Beløb"))', "asks which text comes first"),
        ("number(greatest(Antal, '5'))", "asks which text comes first"),
        ("case when Antal < Tekst then 1 end", "compare numbers or days: read each text with number()"),
        ("case number(Antal) when 1 then 2 when Tekst then 3 end", "compares a number with text"),
        ("case date '2024-02-01' when Dato then 2 end", "compares a day with text"),
        ("case when Tekst is true then 1 end", "compares text with true or false"),
        ("case true when Tekst then 1 end", "compares text with true or false"),
        (
            "case when Tekst then 1 end",
            "Tekst is text where true or false is due; compare it, as in x = 'Ja'",
        ),
        ("if(upper(Tekst), 1, 2)", "is text where true or false is due"),
        ("case when not Tekst then 1 end", "is text where true or false is due"),
        ("case when Antal = '1' or (Tekst) then 1 end", "is text where true or false is due"),
    ],
)
def test_text_is_read_by_the_files_conventions_or_not_at_all(tmp_path, net, sentence):
    assert sentence in refusal(tmp_path, net)


@pytest.mark.parametrize(
    ("net", "part"),
    [
        ("1 + upper(DATE( Dato ))", ": upper(DATE( Dato )) does not take a day"),
        ("1 + (date(Dato)+date(Dato))", ": date(Dato)+date(Dato) does not take"),
        ("1 + upper(ifnull(number(Antal), 2))", ": upper(ifnull(number(Antal), 2)) does not take a number"),
        ("2 + upper(divide(number(Antal), 3, 2))", ": upper(divide(number(Antal), 3, 2)) does not take"),
        ("2 + Dato :: date", ": Dato :: date would read text as a day"),
        (
            "1 + trim(case when Tekst='x' then 2 end)",
            ": trim(case when Tekst='x' then 2 end) does not take a",
        ),
        (
            "0 + number(Antal) * number(Antal)*number(Antal) * number(Antal) * number(Antal)",
            "number(Antal) * number(Antal)*number(Antal) * number(Antal) * number(Antal) has more decimals than a "
            "number holds; round a factor, as in round(number(x), 2)",
        ),
    ],
)
def test_a_part_is_shown_as_it_was_written(tmp_path, net, part):
    assert part in refusal(tmp_path, f'"{net}"' if ":" in net else net)


def test_a_condition_that_is_none_is_refused(tmp_path):
    assert "where: number(Antal) gives a number, expected true or false" in refusal(
        tmp_path, "number(Antal)", "where: number(Antal)"
    )


@pytest.mark.parametrize("where", ["not Tekst", "Tekst and Antal = '1'", "Antal = '1' or Tekst"])
def test_text_is_no_part_of_a_condition(tmp_path, where):
    sentence = refusal(tmp_path, "number(Antal)", f"where: {where}")
    assert "Tekst is text where true or false is due; compare it, as in x = 'Ja'" in sentence


@pytest.mark.parametrize(
    "net",
    [
        "case Tekst when 'x' then number(Antal) when null then 2 else 3 end",
        "case number(Antal) when 1 then 1 end",
        "case when (Tekst = 'x') is true and not Tekst is null then 1 end",
    ],
)
def test_what_is_of_one_kind_is_compared(tmp_path, net):
    result = sales(tmp_path, ["1;01-02-2024;1;5,00;x"], net=net)
    assert result.values("select net_amount from raw.sales_lines") == [Decimal(1)]


def test_text_is_a_whole_number_or_none(tmp_path):
    rows = ["1;01-02-2024;1;5,00; -12 ", "2;01-02-2024;1;5,00;1.5", "3;01-02-2024;1;5,00;1e3"]
    result = sales(tmp_path, rows, net="cast(Tekst as integer)")
    assert result.values("select net_amount from raw.sales_lines") == [Decimal(-12)]
    assert [reject[0] for reject in result.rejects] == [2, 3]
    tried = sales(tmp_path / "tried", rows, net="coalesce(try_cast(Tekst as bigint), 7)")
    assert tried.values("select net_amount from raw.sales_lines order by 1") == [-12, 7, 7]


def test_more_decimals_than_a_number_holds_are_said(tmp_path):
    rows = ["1;01-02-2024;1;0,123456789;x", "2;01-02-2024;1;0,12345678;x", "3;01-02-2024;1;0,1000000000;x"]
    result = sales(tmp_path, rows, net='number("Beløb") * 10000')
    assert [reject[:3] for reject in result.rejects] == [(1, "Beløb", "0,123456789")]
    assert "has more than 8 decimals, the most that number() holds, so net_amount = " in result.rejects[0][3]


def test_a_mapping_that_takes_too_long_or_too_much_is_given_up_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(lake, "LEAST_SECONDS", 0.05)
    monkeypatch.setattr(lake, "SLOWEST", 1e12)
    rows = ["1;01-02-2024;1;5,00;x"] * 300_000
    (sentence,) = problems_of(
        workspace_of(
            tmp_path,
            FEEDS.format(net='number("Beløb")', more=""),
            {"salg.csv": "\n".join([HEADER, *rows, ""])},
        )
    )
    assert sentence.startswith(
        "landing/salg.csv: was not read within 0 minutes; make its expressions simpler"
    )


DIVIDED = [
    ("1190,00", "1.19", 2, "1000"),
    ("0,005", "1", 2, "0.01"),
    ("-0,005", "1", 2, "-0.01"),
    ("0,015", "-1", 2, "-0.02"),
    ("1", "3", 4, "0.3333"),
    ("2", "3", 4, "0.6667"),
    ("-2", "3", 0, "-1"),
    ("1", "8", 2, "0.13"),
    ("99999999999999", "1", 4, "99999999999999"),
    ("0", "-7", 2, "0"),
    ("0,00000001", "0.00000003", 4, "0.3333"),
]


@pytest.mark.parametrize(("amount", "divisor", "decimals", "quotient"), DIVIDED)
def test_a_quotient_is_exact_and_rounded_half_away_from_zero(tmp_path, amount, divisor, decimals, quotient):
    result = sales(
        tmp_path,
        [f"1;01-02-2024;1;{amount};{divisor.replace('.', ',')}"],
        net=TWICE.format(
            net=f'divide(number("Beløb"), {divisor}, {decimals})',
            cost=f'divide(number("Beløb"), number(Tekst), {decimals})',
        ),
    )
    assert result.rows("select net_amount, cost_amount from raw.sales_lines") == [(Decimal(quotient),) * 2]


def test_a_division_by_zero_rejects_the_record(tmp_path):
    rows = ["1;01-02-2024;0;5,00;x", "2;01-02-2024;2;5,00;x"]
    result = sales(tmp_path, rows, net='divide(number("Beløb"), number(Antal), 2)')
    assert result.values("select net_amount from raw.sales_lines") == [Decimal("2.5")]
    ((record, column, text, reason),) = result.rejects
    assert (record, column, text) == (1, "net_amount", None)
    assert reason.startswith("is divided by zero, so net_amount = ")


def test_overflow_in_an_expression_rejects_the_record(tmp_path):
    rows = ["1;01-02-2024;1;99.999.999.999.999,00;x", "2;01-02-2024;1;5,00;x"]
    result = sales(tmp_path, rows, net='number("Beløb") * number("Beløb")')
    assert result.values("select net_amount from raw.sales_lines") == [Decimal(25)]
    assert [reject[0] for reject in result.rejects] == [1]


def test_a_result_with_too_many_decimals_is_rejected_not_rounded(tmp_path):
    result = sales(tmp_path, ["1;01-02-2024;1;0,00005;x", "2;01-02-2024;1;0,0005;x"])
    assert result.values("select net_amount from raw.sales_lines") == [Decimal("0.0005")]
    assert "round it in the expression" in result.rejects[0][3]


def test_an_empty_field_in_an_expression_is_missing_not_unreadable(tmp_path):
    result = sales(tmp_path, ["1;01-02-2024;1;;x"], net='coalesce(number("Beløb"), 0)')
    assert result.values("select net_amount from raw.sales_lines") == [Decimal(0)]


@pytest.mark.parametrize(
    ("net", "part"),
    [
        ('number("Beløb") / 2', "write divide(a, b, decimals), e.g. divide(a, b, 2)"),
        (
            'cast(cast(number("Beløb") * 100 as bigint) // 119 as decimal(18,0))',
            "write divide(a, b, decimals)",
        ),
        ("Antal::double", "casts to DOUBLE, a binary float"),
        ("1e2 * number(Antal)", "has 1e2, a binary float"),
        ("sqrt(number(Antal))", "may not use the function sqrt"),
    ],
)
def test_a_binary_float_is_refused_with_what_to_write_instead(tmp_path, net, part):
    assert part in refusal(tmp_path, net)


def test_a_wrong_type_is_refused(tmp_path):
    assert "gives a day, expected money" in refusal(tmp_path, "date(Dato)")


def test_an_unknown_column_is_named(tmp_path):
    sentence = refusal(tmp_path, 'number("Beloeb")')
    assert sentence.startswith("landing/salg.csv, column Beloeb: the column is missing, the file has Bilag, ")


def test_an_unknown_function_is_refused_with_those_that_are_like_it(tmp_path):
    assert "may not use the function tal; " in refusal(tmp_path, "tal(Antal)")
    assert "may not use the function uppr; near it are upper" in refusal(tmp_path, "uppr(Tekst)")


@pytest.mark.parametrize(
    "text",
    [
        "qty -> --1",
        "qty ^ date()",
        "\x00",
        "trim('\x1b[2J')",
        "(select 1)",
        "exists(select 1)",
        "Antal in (select 1)",
        "sum(number(Antal))",
        "row_number() over ()",
        "*",
        "columns('A')",
        "Antal; drop table x",
        "Antal; Bilag",
        "Antal Bilag",
        "attach 'other.duckdb'",
        "copy x to 'y'",
        "install httpfs",
        "set threads = 1",
        "a.b.c",
        "unnest([1, 2])",
        "now()",
        "current_date",
        "today()",
        "random()",
        "uuid()",
        "getenv('HOME')",
        "current_setting('threads')",
        '"now"()',
        "\"current_setting\"('threads')",
        "age(x)",
        "sleep(1)",
        "hash(x)",
        "x.repeat(9)",
        "repeat('x', 1000000000)",
        "lpad(x, 1000000000, 'a')",
        "lpad(x, length(x), 'a')",
        "replace(" * 8 + "x" + ", 'a', 'aaaaaaaaaa')" * 8,
        "regexp_replace(" * 8 + "x" + ", '', 'aaaaaaaaaa', 'g')" * 8,
        "replace(replace(x, 'a', x), 'b', 'cc')",
        "concat_ws(" * 6 + "x" + ", x, x, x, x)" * 6,
        "list_transform(range(1000000000), lambda y: y)",
        "[x]",
        "x::json",
        "timestamptz '2024-01-01'",
        "x at time zone 'UTC'",
        "x ** 2",
        "$1",
        "x collate nocase",
        "divide(x, 2)",
        "divide(x, 2, y)",
        "divide(x, 2, 9)",
        "number(x, y)",
        "date(x, 'UTC')",
        f"{'(' * 3000}x{')' * 3000}",
        " || ".join("x" * 300),
        f"x || '{'y' * 20000}'",
        "query('select 1')",
        "case when",
        "'open",
        "",
    ],
)
def test_what_is_no_expression_over_one_record_is_refused(text):
    with pytest.raises(BadExpression):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        *(f"{name}(x)" for name in ("upper", "lower", "trim", "length", "reverse", "strip_accents", "md5")),
        *("abs(number(x))", "round(number(x), 2)", "greatest(number(x), 1)", "number(x) % 2", "@number(x)"),
        *(
            "substr(x, 1, 2)",
            "x[1:2]",
            "left(x, 2)",
            "split_part(x, '-', 1)",
            "lpad(x, 8, '0')",
            '"LOWER"(x)',
        ),
        *(
            "regexp_replace(x, '\\.0$', '')",
            "replace(x, x, '')",
            "replace(x, 'a', x)",
            "regexp_replace(x, 'a', x, 'g')",
            "regexp_replace(regexp_replace(x, '^(DK|dk|Dk)[ -]*', ''), '[ .-]+$', '')",
            "regexp_replace(" * 8 + "x" + ", '[A-Z]+', '')" * 8,
            "x ~ 'a'",
            "x like 'a%'",
            "x in ('a', 'b')",
            "position('a' in x)",
        ),
        *("replace(replace(replace(x, 'æ', 'ae'), 'ø', 'oe'), 'å', 'aa')", "concat_ws('-', x, x)", "'a' 'b'"),
        *("date(x) + interval 1 month", "last_day(date(x))", "extract(year from date(x))", "year(date(x))"),
        *(
            "strftime(date(x), '%Y')",
            "strptime(x, '%Y')",
            "date_trunc('month', date(x))",
            "date '2024-01-01'",
        ),
        *("coalesce(x, 'a')", "if(x = 'a', 1, 2)", "case when x is null then true else not x = 'a' end"),
        *(
            "cast(x as integer)",
            "try_cast(x as bigint)",
            "round(number(x), 2)::decimal(18, 2)",
            "divide(number(x), 3, 2)",
        ),
        "x is not distinct from 'a' and date(x) between date '2024-01-01' and '2024-12-31'",
    ],
)
def test_what_works_on_one_record_is_let_by(tmp_path, text):
    assert parse(text).columns or "x" not in text
    result = sales(
        tmp_path, ["1;01-02-2024;1;5,00;01-02-2024"], more=WHERE_ANYTHING % re.sub(r"\bx\b", "Tekst", text)
    )
    assert [reject for reject in result.rejects if reject[1] != "where"] == []


WHERE_ANYTHING = "where: (%s) is null or true"


@pytest.mark.parametrize(
    ("net", "said"),
    [
        ('number("Beløb")::decimal', "write round(x, 2), or decimal(18, 2)"),
        ('number("Beløb")::numeric', "write round(x, 2), or decimal(18, 2)"),
        ('try_cast(number("Beløb") as decimal(10))', "write round(x, 2), or decimal(18, 2)"),
        ('number("Beløb")::decimal(18, 2)', "rounds without a word; say so, as in round(x, 2)"),
        ('1 + cast(number("Beløb") * 2 as decimal(18, 4))', "say so, as in round(x, 4)"),
        ('try_cast(divide(number("Beløb"), 3, 4) as decimal(18, 0))', "say so, as in round(x, 0)"),
    ],
)
def test_a_cast_to_fewer_decimals_is_refused(tmp_path, net, said):
    assert said in refusal(tmp_path, net)


@pytest.mark.parametrize("cast", ["cast(X as integer)", "X::bigint", "2 * X::hugeint - X::smallint"])
def test_a_cast_to_a_whole_number_loses_no_decimals(tmp_path, cast):
    net = cast.replace("X", 'number("Beløb")')
    result = sales(tmp_path, ["1;01-02-2024;1;10,00;x", "2;01-02-2024;1;10,50;x"], net=net)
    assert result.rows("select document_no, net_amount from raw.sales_lines") == [("1", Decimal(10))]
    ((record, _, _, why),) = result.rejects
    assert record == 2
    assert why.startswith('has decimals that a whole number loses: write round(number("Beløb"), 0)')


@pytest.mark.parametrize(
    ("expression", "text", "number"),
    [
        ("number(Tekst)", "7", "7"),
        ("number(Tekst) * 10", "70,0", "700"),
        ("number(Tekst)", "7,50", "7.5"),
        ("round(number(Tekst), 2)", "100", "100"),
        ("-number(Tekst)", "0", "0"),
    ],
)
def test_a_number_in_a_column_of_ids_has_no_needless_zeros(tmp_path, expression, text, number):
    result = sales(tmp_path, [f"1;01-02-2024;1;5,00;{text}"], more=f"  customer_id: {expression}")
    assert result.values("select customer_id from raw.sales_lines") == [number]


@pytest.mark.parametrize(
    "text", ["'K' || number(Antal)", "concat('K', round(number(Antal), 2))", "cast(number(Antal) as varchar)"]
)
def test_no_decimals_are_written_into_an_id(tmp_path, text):
    assert "makes an id of a number with" in refusal(tmp_path, "1", more=f'  customer_id: "{text}"')


def test_a_whole_number_may_be_part_of_an_id(tmp_path):
    whole = "'K' || cast(number(Antal) as bigint)"
    result = sales(tmp_path, ["1;01-02-2024;7;5,00;x"], more=f'  customer_id: "{whole}"')
    assert result.values("select customer_id from raw.sales_lines") == ["K7"]


@pytest.mark.parametrize(
    ("net", "said"),
    [
        ("if(regexp_matches(Tekst, '('), 1, 2)", "has the pattern '(', which is none"),
        ("if(regexp_replace(Tekst, 'a', 'b', 'q') = 'x', 1, 2)", "option"),
        ("if(regexp_replace(Tekst, '(a)', '\\2') = 'x', 1, 2)", "group"),
        ("if(regexp_extract(Tekst, '(a)', 2) = 'x', 1, 2)", "group"),
        ("if(Tekst like 'a!' escape '!', 1, 2)", "escape"),
        ("if(Tekst not like '%a' escape 'ab', 1, 2)", "escape"),
        ("if(Tekst ilike 'a!' escape '!', 1, 2)", "escape"),
        ("if(strftime(date(Dato), '%Q') = 'x', 1, 2)", "has the form '%Q'"),
        ("if(try_strptime(Tekst, '%d-%Q') is null, 1, 2)", "has the form '%d-%Q'"),
    ],
)
def test_constants_that_mean_nothing_are_refused(tmp_path, net, said):
    assert said in refusal(tmp_path, net)


@pytest.mark.parametrize(
    ("format_", "said"),
    [
        ('date: "%d-%m-%Y %Q"', "date has a part that means nothing"),
        ('date: "%d-%m-%Y %"', "date has a part that means nothing"),
        ('quote: ";"', "quote and delimiter must differ"),
        ('delimiter: "\\"", quote: "\\""', "quote and delimiter must differ"),
    ],
)
def test_a_format_that_cannot_be_is_refused(tmp_path, format_, said):
    replaced = 'date: "%d-%m-%Y"' if "date" in format_ else 'delimiter: ";"'
    if format_.startswith("quote"):
        format_ = f"{replaced}, {format_}"
    feeds = FEEDS.format(net="1", more="").replace(replaced, format_)
    assert any(said in each for each in problems_of(workspace_of(tmp_path, feeds, {"salg.csv": HEADER})))


@pytest.mark.parametrize(
    "net",
    [
        "read_text('{secret}')",
        "read_csv('{secret}')",
        "(select content from read_text('{secret}'))",
        "glob('{secret}')",
        "parquet_scan('{secret}')",
    ],
)
def test_an_expression_reads_no_file(tmp_path, net):
    secret = tmp_path / "secret.txt"
    secret.write_text("hemmelig", encoding="utf-8")
    sentence = refusal(tmp_path / "company", f'"{net.format(secret=secret)}"')
    assert sentence.startswith("feeds.yaml: sales_lines, source 1")
    assert "hemmelig" not in sentence


def test_where_leaves_out_and_counts(tmp_path):
    rows = ["1;01-02-2024;1;5,00;Salg", "2;01-02-2024;1;5,00;Primo", "3;01-02-2024;1;5,00;"]
    result = sales(tmp_path, rows, more="where: Tekst = 'Salg'")
    assert result.values("select document_no from raw.sales_lines") == ["1"]
    assert result.rows("select source_record, reason from raw.left_out order by 1") == [
        (2, "where: Tekst = 'Salg'"),
        (3, "where: Tekst = 'Salg'"),
    ]
    assert result.rows(
        "select records_read, records_loaded, records_rejected, records_left_out from raw.files"
    ) == [(3, 1, 0, 2)]


def test_a_record_that_where_cannot_judge_is_rejected_not_left_out(tmp_path):
    rows = ["1;01-02-2024;x;5,00;Salg", "2;01-02-2024;1;5,00;Salg"]
    result = sales(tmp_path, rows, more="where: number(Antal) > 0")
    assert [reject[:3] for reject in result.rejects] == [(1, "Antal", "x")]
    assert result.values("select count(*) from raw.left_out") == [0]


def test_what_is_left_out_need_not_be_readable(tmp_path):
    result = sales(tmp_path, ["1;?;?;?;Note", "2;01-02-2024;1;5,00;Salg"], more="where: Tekst <> 'Note'")
    assert result.rejects == []
    assert result.values("select records_left_out from raw.files") == [1]


LOOKUP = """lookups:
      hoved: {files: hoved.csv, key: Nr, source_column: Bilag, format: {type: csv, date: "%Y%m%d"}}
"""


def test_a_lookup_gives_columns_by_its_own_conventions(tmp_path):
    feeds = FEEDS.format(net='number("Beløb") * number(hoved.faktor)', more=LOOKUP).replace(
        "posting_date: date(Dato)", "posting_date: date(hoved.dag)"
    )
    files = {
        "salg.csv": f"{HEADER}\n1;;2;10,00;x\n2;;2;10,00;x\n 1 ;;2;20,00;x\n",
        "hoved.csv": "Nr,dag,faktor\n1,20240301,0.5\n",
    }
    result = taken(workspace_of(tmp_path, feeds, files))
    assert result.rows(
        "select posting_date::varchar, net_amount from raw.sales_lines order by _source_record"
    ) == [
        ("2024-03-01", Decimal(5)),
        ("2024-03-01", Decimal(10)),
    ]
    assert [reject[0] for reject in result.rejects] == [2]  # nothing to look up, so there is no date


POINTS = """lookups:
      hoved:
        {files: hoved.csv, key: Nr, source_column: Bilag, format: {type: csv, date: "%Y%m%d", true_words: [Y]}}
      egne:
        files: egne.csv
        key: Nr
        source_column: Bilag
        format: {type: csv, delimiter: ";", decimal: ",", thousands: ".", date: "%d-%m-%Y"}
"""
OF_LOOKUPS = {
    "hoved.csv": "Nr,dag,faktor\n1,20240301,1.234\n",
    "egne.csv": "Nr;dag;faktor\n1;04-05-2024;1.234\n",
}


@pytest.mark.parametrize(
    ("net", "amount"),
    [
        ("trim(hoved.faktor)", "1.234"),
        ("case when Tekst = 'x' then hoved.faktor end", "1.234"),
        ("number(case when Tekst = 'x' then hoved.faktor end)", "1.234"),
        ("case when hoved.faktor = '1.234' then egne.faktor end", "1234"),
        ("number(case when hoved.faktor = '1.234' then egne.faktor else \"Beløb\" end)", "1234"),
        ('coalesce(egne.faktor, "Beløb")', "1234"),
        ("cast(number(hoved.faktor) as varchar) || hoved.faktor[9:]", "1.234"),
        ('number(if(number(hoved.faktor) > 1, nullif(egne.faktor, hoved.dag), "Beløb"))', "1234"),
    ],
)
def test_text_of_a_lookup_is_read_by_its_format(tmp_path, net, amount):
    result = sales(tmp_path, ["1;01-02-2024;1;5,00;x"], net=net, more=POINTS, **OF_LOOKUPS)
    assert result.rejects == []
    assert result.values("select net_amount from raw.sales_lines") == [Decimal(amount)]


@pytest.mark.parametrize(
    ("net", "sentence"),
    [
        (
            'coalesce(hoved.faktor, "Beløb")',
            "mixes text of files that write numbers differently; read each by itself, as in number(orders.x)",
        ),
        ('number(coalesce("Beløb", hoved.faktor))', "mixes text of files that write numbers differently"),
        ("number(hoved.faktor || egne.faktor)", "mixes text of files that write numbers differently"),
        ("day(date(coalesce(Dato, hoved.dag)))", "mixes text of files that write days differently"),
        (
            'concat(number("Beløb"))',
            "makes text of a number, which is not as the file writes it; keep it a n",
        ),
        ("divide(number(Antal), 3, 2) || ''", "makes text of a number"),
        ('trim(cast(number("Beløb") as varchar))', "makes text of a number"),
        (
            "number(case when Antal = '1' then concat_ws('', 1.234) else \"Beløb\" end)",
            "makes text of a number",
        ),
        ("day(date(date(Dato)::varchar))", "makes text of a day"),
    ],
)
def test_text_that_no_file_writes_alone_is_not_read(tmp_path, net, sentence):
    files = {"salg.csv": f"{HEADER}\n1;01-02-2024;1;5,00;x\n", **OF_LOOKUPS}
    (refused,) = problems_of(workspace_of(tmp_path, FEEDS.format(net=net, more=POINTS), files))
    assert sentence in refused


def test_a_lookup_with_a_repeated_key_is_refused(tmp_path):
    feeds = FEEDS.format(net="number(hoved.faktor)", more=LOOKUP)
    files = {
        "salg.csv": f"{HEADER}\n1;01-02-2024;2;10,00;x\n",
        "hoved.csv": "Nr,dag,faktor\n1,,1\n2,,1\n1,,2\n",
    }
    (sentence,) = problems_of(workspace_of(tmp_path, feeds, files))
    assert sentence == (
        "landing/hoved.csv, record 3, column Nr: the key 1 stands 2 times, which would multiply the "
        "records of "
        "feeds.yaml: sales_lines, source 1; look up a column whose values are unique."
    )


@pytest.mark.parametrize(
    ("net", "sentence_end"),
    [
        ("number(kunder.x)", "kunder.x names no lookup of this source; declare it under `lookups`."),
    ],
)
def test_an_undeclared_lookup_is_refused(tmp_path, net, sentence_end):
    assert refusal(tmp_path, net).endswith(sentence_end)


def test_a_lookup_without_its_file_is_refused(tmp_path):
    assert refusal(tmp_path, "number(hoved.faktor)", LOOKUP) == (
        "landing/hoved.csv: is 0 files, but the lookup hoved of feeds.yaml: sales_lines, source 1 needs "
        "exactly "
        "one; deliver that file, or correct `files`."
    )
