"""A published demo company names no salesperson: pseudonyms, questions by code, purge with proof, and faults.

How pseudonyms, the table of names and the gate work one by one belongs in tests/unit/test_pseudonyms.py.
"""

from __future__ import annotations

import csv
import json
import re
import stat
from pathlib import Path
from typing import Any

import duckdb
from quick import Project, quickly, refreshed_quickly
from running import published, rows, tree

FIGURES = (
    "select salesperson_id, sum(net_sales), sum(db3) from marts.portfolio_accounts group by 1 order by 1"
)


def people_of(project: Project, workspace: Path) -> list[dict[str, Any]]:
    """The table of names, as the company sees it."""
    done = quickly(project, "salespeople", "--json", "--workspace", workspace)
    assert done.code == 0, done.err
    return done.json["salespeople"]


def texts_of(con: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """Column of text -> all its values, over everything that is published."""
    columns = con.execute(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where database_name = current_database() and data_type = 'VARCHAR' and not internal"
    ).fetchall()
    return {
        f"{schema}.{table}.{column}": {
            text
            for (text,) in con.execute(
                f'select distinct "{column}" from "{schema}"."{table}" where "{column}" is not null'
            ).fetchall()
        }
        for schema, table, column in columns
    }


def test_no_text_that_is_published_is_a_salespersons_code_or_name(
    project: Project, demo_workspace: Path
) -> None:
    people = people_of(project, demo_workspace)
    assert len(people) > 3
    wanted = {each["salesperson_id"] for each in people} | {each["salesperson_name"] for each in people}
    with published(demo_workspace) as con:
        held = {column for column, texts in texts_of(con).items() if wanted & texts}
    # Who decides something is named as evidence, also a salesperson.
    deciding = {
        "audit.adjustments.author",
        "audit.adjustments.approved_by",
        "marts.segment_override_reviews.decided_by",
    }
    assert held <= deciding
    keys = {key for (key,) in rows(demo_workspace, "select salesperson_id from marts.salespeople")}
    assert keys == {each["pseudonym"] for each in people} | {"Ikke tildelt"}
    pages = (demo_workspace / "published" / "current" / "quality").glob("*.html")
    names = [each["salesperson_name"] for each in people]
    assert [page.name for page in pages if any(name in page.read_text("utf-8") for name in names)] == []


def test_names_and_secret_are_for_their_owner_alone(demo_workspace: Path) -> None:
    folder = demo_workspace / "personal"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir()]}
    assert modes == {"personal": 0o700, "secret.key": 0o600, "salespeople.csv": 0o600}
    secret = (folder / "secret.key").read_text("utf-8").strip()
    current = demo_workspace / "published" / "current"
    assert secret.encode() not in (current / "manifest.json").read_bytes()
    assert secret.encode() not in (current / "kunderegnskab.duckdb").read_bytes()


def test_every_column_of_a_pseudonym_is_listed_as_personal(project: Project, demo_workspace: Path) -> None:
    pseudonyms = {each["pseudonym"] for each in people_of(project, demo_workspace)}
    with published(demo_workspace) as con:
        holding = {column for column, texts in texts_of(con).items() if texts & pseudonyms}
    listed = {
        f"{schema}.{table}.{column}"
        for schema, table, column in rows(
            demo_workspace,
            "select schema_name, table_name, column_name from audit.personal_data "
            "where category in ('salesperson_key', 'salesperson_name')",
        )
    }
    assert holding <= listed
    assert "marts.kpi_values.scope_id" in holding


# Names of columns that can tell or name a person, and those that do not, with the reason.
_OF_PEOPLE = re.compile(
    r"(customer|salesperson|manager|employee|owner)_id$|_name$|_by$|^(author|owner|cvr_number|scope_id)$"
)
_OF_THINGS = "names a table, column, check or model"
_NOBODY = {
    "audit.allocation_steps.pool_name": "names a cost pool",
    "audit.change_log.column_name": _OF_THINGS,
    "audit.check_history.check_name": _OF_THINGS,
    "audit.check_results.check_name": _OF_THINGS,
    "audit.column_lineage.column_name": _OF_THINGS,
    "audit.column_lineage.schema_name": _OF_THINGS,
    "audit.default_kpi_register.owner": "a function in a company, as the product proposes it",
    "audit.default_ladder.column_name": _OF_THINGS,
    "audit.ladder.column_name": _OF_THINGS,
    "audit.ladder_terms.column_name": _OF_THINGS,
    "audit.models.schema_name": _OF_THINGS,
    "audit.personal_data.column_name": _OF_THINGS,
    "audit.personal_data.schema_name": _OF_THINGS,
    "audit.personal_data.table_name": _OF_THINGS,
    "audit.rejects.column_name": _OF_THINGS,
    "marts.kpi_register.owner": "a function, as the register of KPIs says it",
    "marts.products.product_name": "names a product",
    "raw.company.company_name": "names the company itself",
    "raw.rejects.column_name": _OF_THINGS,
    "raw.repeated_keys.column_name": _OF_THINGS,
}


def test_every_column_that_can_name_a_person_is_classified_or_exempt(demo_workspace: Path) -> None:
    with published(demo_workspace) as con:
        named = {
            place
            for (place, column) in con.execute(
                # Columns of tables and of views: every view of the file is published.
                "select schema_name || '.' || table_name || '.' || column_name, column_name "
                "from duckdb_columns() "
                "where schema_name in ('marts', 'audit', 'raw') and data_type = 'VARCHAR'"
            ).fetchall()
            if _OF_PEOPLE.search(column)
        }
        listed = {
            place
            for (place,) in con.execute(
                "select schema_name || '.' || table_name || '.' || column_name from audit.personal_data"
            ).fetchall()
        }
    assert named - listed - set(_NOBODY) == set()
    assert set(_NOBODY) <= named, "an exemption that is none any more"
    assert {
        "marts.customers.parent_customer_id",
        "audit.closed_sources.customer_id",
        "marts.segment_override_reviews.customer_id",
    } <= listed


def test_a_salesperson_is_asked_for_by_code_or_pseudonym(project: Project, demo_workspace: Path) -> None:
    person = next(each for each in people_of(project, demo_workspace) if each["salesperson_name"])
    ((month,),) = rows(
        demo_workspace,
        "select strftime(max(month), '%Y-%m') from marts.kpi_values where kpi_id = 'net_sales' "
        f"and scope_type = 'salesperson' and scope_id = '{person['pseudonym']}' and value <> 0 "
        "and time_window = 'month'",
    )
    answers = []
    for asked in (person["salesperson_id"], person["pseudonym"]):
        options = ("--salesperson", asked, "--month", month, "--json", "--workspace", demo_workspace)
        done = quickly(project, "explain", "net_sales", *options)
        assert done.code == 0, done.out + done.err
        answers.append(done.json)
    assert answers[0] == answers[1]
    assert person["salesperson_name"] not in json.dumps(answers, ensure_ascii=False)


def test_the_notice_tells_of_every_kpi_that_measures_salespeople(demo_workspace: Path) -> None:
    quality = demo_workspace / "published" / "current" / "quality"
    notice = json.loads((quality / "notice.json").read_text("utf-8"))
    measured = rows(
        demo_workspace,
        "select distinct kpi_id from marts.kpi_values inner join marts.kpi_register using (kpi_id) "
        "where scope_type = 'salesperson' and is_in_use",
    )
    assert {each["kpi_id"] for each in notice["kpis"]} == {kpi for (kpi,) in measured}
    assert all(each["formula"] and each["data"] for each in notice["kpis"])
    sales = next(each for each in notice["kpis"] if each["kpi_id"] == "net_sales")
    assert ["sales_lines", "net_amount", None] in sales["data"]
    # What only DB III is made of does not count for net sales.
    assert "activity_times" not in {feed for feed, _, _ in sales["data"]}
    db3 = next(each for each in notice["kpis"] if each["kpi_id"] == "db3")
    assert "activity_times" in {feed for feed, _, _ in db3["data"]}
    page = (quality / "notice.html").read_text("utf-8")
    assert "Ikke oplyst af firmaet" in page
    assert "beslutningsstøtte" in page
    assert "http" not in page.replace("http-equiv", "")


def test_names_are_purged_while_everything_published_stays(project: Project, demo_to_change: Path) -> None:
    workspace = demo_to_change
    people = people_of(project, workspace)
    person = next(each for each in people if each["salesperson_name"] == "Jens Ågaard")
    others = [each for each in people if each != person]
    before, figures = tree(workspace / "published"), rows(workspace, FIGURES)
    options = ("--by", "HR", "--reason", "Fratrådt", "--json", "--workspace", workspace)
    done = quickly(project, "purge", "--salesperson", person["salesperson_id"], *options)
    assert done.code == 0, done.err
    assert done.json["pseudonyms"] == [person["pseudonym"]]
    assert {name.partition("/")[0] for name in done.json["files"]} == {"landing", "lake", "policy"}
    assert any("decided_by" in sentence for sentence in done.json["still"])
    assert tree(workspace / "published") == before
    assert [each["pseudonym"] for each in people_of(project, workspace)] == [
        each["pseudonym"] for each in others
    ]

    # The next publication has the same pseudonyms, and the name does not come back.
    assert refreshed_quickly(project, workspace, "--full")["status"] == "published"
    assert rows(workspace, FIGURES) == figures
    assert person["pseudonym"] not in {each["pseudonym"] for each in people_of(project, workspace)}
    verified = quickly(project, "verify", "--json", "--workspace", workspace)
    assert verified.json["findings"] == []
    assert verified.code == 0, verified.out

    # Planted: the purged name is listed again.
    with (workspace / "personal" / "salespeople.csv").open("a", encoding="utf-8", newline="") as stream:
        csv.DictWriter(stream, list(person), lineterminator="\n").writerow(person)
    verified = quickly(project, "verify", "--json", "--workspace", workspace)
    assert [(each["control"], each["subject"]) for each in verified.json["findings"]] == [
        ("journal", "personal/salespeople.csv"),
        ("personal", person["pseudonym"]),
    ]
    assert verified.code == 1


def test_lists_that_hold_a_purged_name_are_purged_with_the_proof_intact(
    project: Project, demo_to_change: Path
) -> None:
    workspace = demo_to_change
    person = next(each for each in people_of(project, workspace) if each["salesperson_name"] == "Jens Ågaard")
    options = ("--by", "HR", "--reason", "Fratrådt", "--lake", "--json", "--workspace", workspace)
    done = quickly(project, "purge", "--salesperson", person["salesperson_id"], *options)
    manifest = json.loads((workspace / "published" / "current" / "manifest.json").read_text("utf-8"))
    (listed,) = (file for file in manifest["inputs"] if file["feed"] == "salespeople")
    assert (done.json["lake_files"], done.json["listed"]) == ([], [listed["path"]])

    delivered = workspace / listed["path"]
    with_name, name = delivered.read_bytes(), "Jens Ågaard".encode("cp1252")
    assert with_name.count(name) == 1
    delivered.write_bytes(with_name.replace(name, b""))
    assert refreshed_quickly(project, workspace)["status"] == "published"
    done = quickly(project, "purge", *options)
    assert (done.json["lake_files"], done.json["listed"]) == ([listed["lake_file"]], [])
    assert not (workspace / "lake" / listed["lake_file"]).exists()
    assert quickly(project, "verify", "--json", "--workspace", workspace).json["findings"] == []

    # Planted: a lake file that nobody purged is gone too.
    (other,) = (file for file in manifest["inputs"] if file["feed"] == "customers")
    (workspace / "lake" / other["lake_file"]).unlink()
    verified = quickly(project, "verify", "--last", "0", "--json", "--workspace", workspace)
    assert [each["subject"] for each in verified.json["findings"]] == [f"lake/{other['lake_file']}"]


def test_a_changed_byte_of_any_personal_file_is_named(project: Project, demo_to_change: Path) -> None:
    workspace = demo_to_change
    person = next(each for each in people_of(project, workspace) if each["salesperson_name"] == "Jens Ågaard")
    options = ("--by", "HR", "--reason", "Fratrådt", "--json", "--workspace", workspace)
    assert quickly(project, "purge", "--salesperson", person["salesperson_id"], *options).code == 0
    files = sorted(path for path in (workspace / "personal").iterdir() if path.is_file())
    assert {path.name for path in files} == {"purged.jsonl", "salespeople.csv", "secret.key"}

    def findings() -> list[str]:
        verified = quickly(project, "verify", "--last", "0", "--json", "--workspace", workspace)
        return [each["subject"] for each in verified.json["findings"]]

    assert findings() == []
    for path in files:
        whole = path.read_bytes()
        for place in (0, len(whole) // 2):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            assert f"personal/{path.name}" in findings(), (path.name, place)
        path.write_bytes(whole)


def test_without_the_secret_nothing_is_published_and_nothing_is_told(
    project: Project, demo_to_change: Path
) -> None:
    workspace = demo_to_change
    (workspace / "personal" / "secret.key").unlink()
    done = quickly(project, "refresh", "--json", "--workspace", workspace)
    assert done.code == 1
    assert done.json["problems"][0].startswith(
        "personal/secret.key: is missing, so salespeople would get other"
    )
    verified = quickly(project, "verify", "--json", "--workspace", workspace)
    assert verified.code == 3
    assert "personal/secret.key: is missing" in verified.json["not_done"][0]
