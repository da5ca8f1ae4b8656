"""Moments at the door: whatever the format, they become days in the company's zone, or are refused.

How the form of dates is followed belongs in test_ingest_conventions.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from small_intake import Taken, problems_of, taken, workspace_of

from kunderegnskab.ingest import conventions
from kunderegnskab.workspace import Format, Workspace
from kunderegnskab.workspace.expressions import BadExpression, parse

CON = duckdb.connect()
FEEDS = """
sales_lines:
  - files: "s.*"
    format: {{{form}}}
    columns: {{document_no: doc, {columns}quantity: qty, net_amount: net}}
    values: {{document_type: invoice, discount_amount: "0"}}
    expressions: {{order_no: doc{more}}}
"""
ZONED = [
    ("2024-12-31T23:30:00Z", "2025-01-01"),
    ("2025-07-01T00:30:00+02:00", "2025-07-01"),
    ("2025-06-30T22:30:00.123Z", "2025-07-01"),
    ("2025-01-01T00:30+0200", "2024-12-31"),
    ("2024-12-31 23:30:00+00", "2025-01-01"),
    ("2024-12-31 23:30:00 UTC", "2025-01-01"),
    ("2024-12-31 18:30:00 -05:00", "2025-01-01"),
    ("2024-12-31T22:59:59z", "2024-12-31"),
]


def company(
    root: Path, form: str, content: Mapping[str, bytes | str], zone: str = "", more: str = ""
) -> Workspace:
    columns = "" if "posting_date" in more else "posting_date: day, "
    workspace = workspace_of(root, FEEDS.format(form=form, columns=columns, more=more), content)
    if zone:
        with (root / "company.yaml").open("a", encoding="utf-8") as stream:
            stream.write(f"timezone: {zone}\n")
    return Workspace(workspace.root)


def content_of(
    kind: str, days: Sequence[str | datetime], root: Path, shown_as: str = "yyyy-mm-dd hh:mm"
) -> dict[str, bytes | str]:
    """A file of lines with these days, as text or as the format's own moments; cells of a workbook show them so."""
    root.mkdir(parents=True, exist_ok=True)
    rows = [{"doc": str(number), "day": day, "qty": "1", "net": "5"} for number, day in enumerate(days)]
    if kind == "csv":
        return {
            "s.csv": "\n".join(["doc,day,qty,net", *(",".join(map(str, row.values())) for row in rows), ""])
        }
    if kind == "json":
        return {"s.json": json.dumps(rows, default=str)}
    path = root / f"made.{kind}"
    if kind == "xlsx":
        with xlsxwriter.Workbook(str(path)) as book:
            sheet, shown = book.add_worksheet(), book.add_format({"num_format": shown_as})
            sheet.write_row(0, 0, ["doc", "day", "qty", "net"])
            for number, row in enumerate(rows, start=1):
                sheet.write_row(number, 0, [row["doc"], "", 1, 5])
                if isinstance(row["day"], datetime):
                    sheet.write_datetime(number, 1, row["day"], shown)
                else:
                    sheet.write(number, 1, row["day"])
        return {"s.xlsx": path.read_bytes()}
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'America/New_York'")  # whatever the zone of who writes it
        has_zone = isinstance(days[0], datetime) and days[0].tzinfo is not None
        sql_type = "varchar" if isinstance(days[0], str) else "timestamptz" if has_zone else "timestamp"
        con.execute(f"create table made (doc varchar, day {sql_type}, qty varchar, net varchar)")
        con.executemany("insert into made values (?, ?, ?, ?)", [list(row.values()) for row in rows])
        con.execute(f"copy made to '{path}' (format parquet)")
    return {"s.parquet": path.read_bytes()}


def days_of(result: Taken) -> list[str]:
    return result.values("select posting_date::varchar from raw.sales_lines order by _source_record")


@pytest.mark.parametrize("kind", ["csv", "json", "xlsx", "parquet"])
@pytest.mark.parametrize("form", ["", ', date: "%d-%m-%Y"', ", timezone: America/New_York"])
def test_text_with_a_zone_becomes_the_companys_day(tmp_path, kind, form):
    content = content_of(kind, [text for text, _ in ZONED], tmp_path / "made")
    result = taken(company(tmp_path / "w", f"type: {kind}{form}", content))
    assert result.rejects == []
    assert days_of(result) == [day for _, day in ZONED]


def test_a_columns_own_moments_become_the_days_of_the_zone_that_is_declared(tmp_path):
    moments = [datetime(2024, 12, 31, 23, 30, tzinfo=UTC), datetime(2025, 6, 30, 22, 30, tzinfo=UTC)]
    content = content_of("parquet", moments, tmp_path / "made")
    expected = {"": ["2025-01-01", "2025-07-01"], "America/New_York": ["2024-12-31", "2025-06-30"]}
    for zone, days in expected.items():
        assert days_of(taken(company(tmp_path / f"w{zone[:3]}", "type: parquet", content, zone))) == days


def test_another_zone_reads_the_files_again(tmp_path):
    content = {"s.csv": "doc,day,qty,net\n1,2024-12-31T23:30:00Z,1,5\n"}
    assert days_of(taken(company(tmp_path, "type: csv", content))) == ["2025-01-01"]
    with (tmp_path / "company.yaml").open("a", encoding="utf-8") as stream:
        stream.write("timezone: UTC\n")
    assert days_of(taken(Workspace(tmp_path))) == ["2024-12-31"]


@pytest.mark.parametrize(
    ("form", "shown", "day"),
    [
        # A day has no zone to be moved from.
        ("type: xlsx, timezone: Asia/Tokyo", "yyyy-mm-dd", "2025-01-01"),
        ("type: xlsx, timezone: Asia/Tokyo", "[$-sv-SE]d. mmm yyyy;@", "2025-01-01"),
        ('type: xlsx, timezone: Asia/Tokyo, date: "%d-%m-%Y"', 'dd"h"-mm-yyyy', "2025-01-01"),
        # A moment has.
        ("type: xlsx, timezone: Asia/Tokyo", "yyyy-mm-dd hh:mm", "2024-12-31"),
        ("type: xlsx, timezone: Asia/Tokyo", "DD-MM-YYYY HH:MM", "2024-12-31"),
        ("type: xlsx", "yyyy-mm-dd hh:mm", "2025-01-01"),
        ('type: xlsx, date: "%d-%m-%Y %H:%M"', "yyyy-mm-dd", "2025-01-01"),
    ],
)
def test_a_day_of_a_workbook_stays_that_day_whatever_zone_is_declared(tmp_path, form, shown, day):
    content = content_of("xlsx", [datetime(2025, 1, 1)], tmp_path / "made", shown)
    assert days_of(taken(company(tmp_path / "w", form, content))) == [day]


def test_a_day_of_a_workbook_is_no_moment_of_a_form_with_a_clock_and_a_zone(tmp_path):
    content = content_of("xlsx", [datetime(2025, 1, 1)], tmp_path / "made", "yyyy-mm-dd")
    form = 'type: xlsx, date: "%Y-%m-%d %H:%M", timezone: Asia/Tokyo'
    ((_, column, text, _),) = taken(company(tmp_path / "w", form, content)).rejects
    assert (column, text) == ("day", "2025-01-01")


@pytest.mark.parametrize(
    ("form", "day"), [("type: xlsx", "2024-12-31"), ("type: xlsx, timezone: UTC", "2025-01-01")]
)
def test_a_hair_before_midnight_is_a_moment_only_where_a_zone_says_whose(tmp_path, form, day):
    content_of("xlsx", ["", ""], tmp_path)
    book = openpyxl.load_workbook(tmp_path / "made.xlsx")
    for row in (2, 3):
        book.active.cell(row, 2, 45657.999999997).number_format = "yyyy-mm-dd"
    with io.BytesIO() as out:
        book.save(out)
        assert days_of(taken(company(tmp_path / "w", form, {"s.xlsx": out.getvalue()}))) == [day, day]


@pytest.mark.parametrize("shown", ["yyyy-mm-dd", "hh:mm"])
def test_a_clock_that_a_workbook_does_not_show_is_one(tmp_path, shown):
    content = content_of("xlsx", [datetime(2024, 12, 31, 23, 30)], tmp_path / "made", shown)
    ((_, _, text, reason),) = taken(company(tmp_path / "w", "type: xlsx", content)).rejects
    assert (text, reason[:33]) == ("2024-12-31 23:30:00", "is a moment without a time zone, ")


@pytest.mark.parametrize("kind", ["csv", "json", "parquet", "xlsx"])
def test_a_moment_without_a_zone_is_no_day_unless_its_zone_is_declared(tmp_path, kind):
    moments = [datetime(2024, 12, 31, 23, 30), datetime(2025, 1, 5)]
    content = content_of(kind, moments, tmp_path / "made")
    refused = taken(company(tmp_path / "refused", f"type: {kind}", content))
    assert days_of(refused) == ["2025-01-05"]  # midnight is how systems write a day
    ((_, column, text, reason),) = refused.rejects
    assert (column, text) == ("day", "2024-12-31 23:30:00")
    assert reason.startswith("is a moment without a time zone, expected a day or a zone: name the zone")
    for zone, days in {
        "UTC": ["2025-01-01", "2025-01-05"],
        "Europe/Copenhagen": ["2024-12-31", "2025-01-05"],
    }.items():
        declared = company(tmp_path / zone[:3], f"type: {kind}, timezone: {zone}", content)
        assert days_of(taken(declared)) == days


def test_a_form_with_a_time_of_day_says_itself_what_a_day_is(tmp_path):
    content = {"s.csv": "doc,day,qty,net\n1,31-12-2024 23.30,1,5\n"}
    form = 'type: csv, date: "%d-%m-%Y %H.%M"'
    assert days_of(taken(company(tmp_path / "a", form, content))) == ["2024-12-31"]
    assert days_of(taken(company(tmp_path / "b", f"{form}, timezone: UTC", content))) == ["2025-01-01"]


@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_an_expression_gets_the_moment(tmp_path, kind):
    moments = ["2024-12-31T22:30:00Z", "2024-12-31T14:59:00Z"]
    if kind == "parquet":
        moments = [datetime.fromisoformat(each) for each in moments]
    content = content_of(kind, moments, tmp_path / "made")
    # What is sold after four in the afternoon is the next day's.
    expression = "date_trunc('day', moment(day) + interval 8 hour)::date"
    result = taken(company(tmp_path / "w", f"type: {kind}", content, more=f', posting_date: "{expression}"'))
    assert days_of(result) == ["2025-01-01", "2024-12-31"]
    day = taken(company(tmp_path / "day", f"type: {kind}", content, more=', posting_date: "date(day)"'))
    assert days_of(day) == ["2024-12-31", "2024-12-31"]


@pytest.mark.parametrize(
    ("zone", "day", "hour"),
    [
        ("Europe/Copenhagen", "2025-01-01", "0"),
        ("UTC", "2024-12-31", "23"),
        ("Asia/Tokyo", "2025-01-01", "8"),
    ],
)
def test_an_expressions_moment_is_in_the_companys_zone_and_not_the_machines(tmp_path, zone, day, hour):
    content = {"s.csv": "doc,day,qty,net\n1,31.12.2024 23:30 +00,1,5\n"}
    moment = "strptime(day, '%d.%m.%Y %H:%M %z')"
    more = f', posting_date: "{moment}", line_no: "extract(hour from {moment})"'
    result = taken(company(tmp_path, "type: csv", content, zone, more))
    assert result.rows("select posting_date::varchar, line_no::varchar from raw.sales_lines") == [(day, hour)]


def test_an_expression_does_not_get_a_moment_without_a_zone(tmp_path):
    content = {"s.csv": "doc,day,qty,net\n1,2024-12-31T23:30:00,1,5\n2,2024-12-31,1,5\n"}
    result = taken(company(tmp_path, "type: csv", content, more=', posting_date: "date(day)"'))
    assert days_of(result) == ["2024-12-31"]
    assert [reject[:3] for reject in result.rejects] == [(1, "day", "2024-12-31T23:30:00")]
    assert "is a moment without a time zone" in result.rejects[0][3]


@pytest.mark.parametrize(
    ("form", "zone", "sentence"),
    [
        ('type: csv, date: "%Y-%m-%dT%H:%M:%SZ"', "", "date must not contain a time zone: moments with one"),
        (
            "type: csv, timezone: Copenhagen",
            "",
            "Copenhagen is no time zone; use a name such as Europe/Copenhagen",
        ),
        (
            "type: csv, timezone: localtime",
            "",
            "localtime is no time zone; use a name such as Europe/Copenhagen",
        ),
        ("type: csv", "localtime", "localtime is no time zone; use a name such as Europe/Copenhagen"),
        ("type: csv", "CEST+1", "CEST+1 is no time zone; use a name such as Europe/Copenhagen"),
    ],
)
def test_a_zone_that_is_none_is_refused(tmp_path, form, zone, sentence):
    content = {"s.csv": "doc,day,qty,net\n1,2024-12-31,1,5\n"}
    refused = problems_of(company(tmp_path, form, content, zone))
    assert [sentence in each for each in refused] == [True]


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d %H:%M UTC",
        "%Y-%m-%d %H:%M (GMT)",
        "%d-%m-%YT%H:%M:%S.000Z",
        "%Y-%m-%dT%H:%MZ[UTC]",
        "UTC %d-%m-%Y %H.%M",
        "%d-%m-%Y %H:%M+00:00",
        "%d-%m-%Y %H:%M:%S.000 +0000",
        "%d-%m-%Y %I:%M %p -05",
        "%d-%m-%Y %H:%M cest",
    ],
)
def test_a_form_with_a_clock_and_a_zone_is_refused(form):
    with pytest.raises(ValueError, match="date must not contain a time zone: moments with one"):
        Format(type="csv", date=form)


@pytest.mark.parametrize(
    "form",
    ["%d-%m-20%y %H:%M", "%H:%M %d-%m-2024", "%d.%m.%Y kl. %H.%M", "den %d-%m-%Y %H:%M:%S", "%Y%m%d-%H%M"],
)
def test_a_form_with_a_clock_alone_is_let_by(form):
    assert Format(type="csv", date=form).has_clock


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("strptime(x, '%Y-%m-%dT%H:%M:%SZ')", "reads past the time zone in"),
        ("try_strptime(x, '%d-%m-%Y %H:%M UTC')", "reads past the time zone in"),
        ("strptime(x, '%Y-%m-%d %H:%M:%S+00:00')::date", "reads past the time zone in"),
        ("strptime(x, '%Y-%m-%d' || 'Z')", "write its form as one text"),
        ("timestamp '2024-12-31 23:30:00+00'", "reads past the time zone of"),
        ("'2024-12-31T23:30:00Z'::timestamp", "reads past the time zone of"),
        ("cast('2024-12-31 23:30 America/New_York' as date)", "reads past the time zone of"),
        ("date '1970-01-01' + cast(x as integer) * interval 1 second", "counts from the beginning of 1970"),
        ("timestamp '1970-01-01 00:00' + number(x)::bigint * interval '1 ms'", "counts from the beginning"),
        ("date_add(make_date(1970, 1, 1), cast(x as integer) * interval 1 minute)", "counts from the"),
        ("extract(epoch from moment(x))", "asks for epoch of a moment"),
        ("date_part('epoch', moment(x))", "asks for epoch of a moment"),
    ],
)
def test_an_expression_that_loses_a_zone_is_refused(expression, what):
    with pytest.raises(BadExpression, match=what):
        parse(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "strptime(x, '%Y-%m-%dT%H:%M:%S%z')",
        "try_strptime(x, '%d-%m-%Y %H:%M %Z')",
        "strptime(x, 'Z%d-%m-%Y')",
        "timestamp '2024-12-31 23:30:00'",
        "date '2024-12-31'",
        "date '1970-01-01' + cast(x as integer)",
        "date '1970-01-01' + cast(x as integer) * interval 1 day",
        "extract(hour from moment(x))",
    ],
)
def test_an_expression_that_loses_no_zone_is_let_by(expression):
    assert parse(expression).text


@pytest.mark.parametrize(
    ("offset", "day"),
    [
        ("+14:00", "2024-12-31"),
        ("-12", "2025-01-01"),
        ("+1345", "2024-12-31"),
        ("+14:30", None),
        ("+15:00", None),
        ("-99", None),
        ("+05:75", None),
    ],
)
def test_an_offset_that_no_zone_has_is_refused(offset, day):
    sql = conventions.date_value("x", Format(type="csv"), "UTC")
    text = f"2024-12-31T22:30:00{offset}"
    ((read,),) = CON.execute(f"select ({sql})::varchar from (select ?::varchar as x)", [text]).fetchall()
    assert read == day


def test_text_of_another_form_with_a_zone_is_read_by_an_expression(tmp_path):
    content = {"s.csv": "doc,day,qty,net\n1,31-12-2024 23:30 UTC,1,5\n"}
    more = ", posting_date: \"strptime(day, '%d-%m-%Y %H:%M %Z')\""
    assert days_of(taken(company(tmp_path, "type: csv", content, more=more))) == ["2025-01-01"]


@settings(max_examples=60, deadline=None)
@given(
    moment=st.datetimes(datetime(1970, 1, 1), datetime(2037, 12, 31)),
    written=st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata", "Europe/Copenhagen"]),
    zone=st.sampled_from(["Europe/Copenhagen", "Pacific/Auckland", "UTC"]),
)
def test_the_day_is_that_of_pythons_zones(moment, written, zone):
    aware = moment.replace(tzinfo=ZoneInfo(written), microsecond=0)
    sql = conventions.date_value("x", Format(type="csv"), zone)
    ((read,),) = CON.execute(f"select {sql} from (select ?::varchar as x)", [aware.isoformat()]).fetchall()
    assert read == aware.astimezone(ZoneInfo(zone)).date()
    assert isinstance(read, date)


@pytest.mark.parametrize("timezone", [None, "Asia/Tokyo"])
def test_a_zone_that_text_names_goes_before_the_form(timezone):
    form = Format(type="csv", date="%Y-%m-%d %H:%M-%S", timezone=timezone)
    sql = conventions.date_value("x", form, "Europe/Copenhagen")
    ((read,),) = CON.execute(f"select {sql} from (select '2024-12-31 23:30-05' as x)").fetchall()
    assert read == date(2025, 1, 1)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("strptime(day, '%d-%m-%Y')", "01-01-25"),
        ("strptime(day, '%Y%m%d')", "2025021"),
        ("strptime(day, '%Y-%j')", "2023-366"),
        ("date_trunc('month', strptime(day, '%d-%m-%Y'))", "01-01-0025"),
        ("make_date(number(day)::int, 1, 1)", "25"),
        ("date(day) - interval 2000 year", "2025-01-01"),
        ("try_strptime(day, '%d-%m-%Y')", "01-03-25"),
    ],
)
def test_a_day_that_an_expression_reads_has_the_years_of_a_column(tmp_path, expression, text):
    content = {"s.csv": f"doc,day,qty,net\n1,{text},1,5\n"}
    result = taken(company(tmp_path, "type: csv", content, more=f', posting_date: "{expression}"'))
    assert days_of(result) == []
    ((record, column, _, reason),) = result.rejects
    assert (record, column in ("day", "posting_date")) == (1, True)
    assert "1900 to 2199" in reason or "gives none for this record" in reason


@pytest.mark.parametrize(
    ("expression", "text", "day"),
    [
        ("strptime(day, '%d-%m-%Y')", " 1-2-2025 ", "2025-02-01"),
        ("strptime(day, '%d.%m.%y')", "01.03.25", "2025-03-01"),
        ("strptime(day, '%d %b %Y')", "05 JAN 2025", "2025-01-05"),
        ("strptime(day, '%Y-%m-%d %H:%M:%S.%f')", "2025-01-05 10:00:00.5", "2025-01-05"),
        ("strptime(day, '%Y%m%d')", "99991231", "9999-12-31"),
        ("coalesce(try_strptime(day, '%d-%m-%Y'), try_strptime(day, '%d-%m-%y'))", "01-03-25", "2025-03-01"),
    ],
)
def test_a_day_that_an_expression_can_read_comes_in(tmp_path, expression, text, day):
    content = {"s.csv": f"doc,day,qty,net\n1,{text},1,5\n"}
    result = taken(company(tmp_path, "type: csv", content, more=f', posting_date: "{expression}"'))
    assert days_of(result) == [day]
    assert result.rejects == []


def test_the_day_of_no_feed_is_from_another_century(tmp_path):
    feeds = """
        sales_lines:
          - files: s.csv
            format: {type: csv}
            columns: {document_no: p, posting_date: i, quantity: k, net_amount: k}
            values: {document_type: invoice, discount_amount: "0"}
        product_costs:
          - files: k.csv
            format: {type: csv}
            columns: {product_id: p, unit_cost: k}
            expressions: {valid_from: "strptime(d, '%d-%m-%Y')"}
        receivables:
          - files: r.csv
            format: {type: csv}
            columns: {document_no: p, customer_id: p, invoice_date: i, amount: k}
            expressions: {due_date: "strptime(d, '%d-%m-%Y')"}
        kpi_targets:
          - files: m.csv
            format: {type: csv}
            columns: {kpi_id: p, scope_id: p, target_value: k}
            values: {scope_type: company}
            expressions: {month_from: "strptime(d, '%d-%m-%Y')"}
    """
    rows = "p,i,d,k\nA,2025-01-01,01-01-25,5\nB,2025-01-01,01-01-2025,5\n"
    result = taken(workspace_of(tmp_path, feeds, {f"{each}.csv": rows for each in "skrm"}))
    assert [(record, text) for record, _, text, _ in result.rejects] == [(1, "01-01-25")] * 3
