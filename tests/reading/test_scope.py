"""Who sees which rows: asked of every published table, for every role."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from kunderegnskab.reading import scope
from kunderegnskab.reading.reader import NothingToRead, Reader, Readers
from kunderegnskab.reading.scope import SMALLEST_GROUP, Viewer
from kunderegnskab.workspace import find_workspace

FINANCE = Viewer("karen", "finance")
AUDIT = Viewer("revisor", "audit")
# Columns that name somebody, and what of the viewer's they must be among.
NAMES = {"customer_id": "customers", "salesperson_id": "salespeople"}


@pytest.fixture(scope="module")
def readers(published_demo: Path) -> Iterator[Readers]:
    found = Readers(find_workspace(published_demo))
    yield found
    found.close()


@pytest.fixture(scope="module")
def people(readers: Readers) -> list[Viewer]:
    """A salesperson with customers, a manager with others in the team, and both without anybody."""
    with readers.reader(FINANCE) as reader:
        owners = reader.rows(
            """
            select salesperson_id, team from marts.salespeople
            where not is_unassigned and team is not null
                and salesperson_id in (select salesperson_id from marts.current_portfolio_accounts)
            order by salesperson_id
            """
        )
    first, team = owners[0]["salesperson_id"], owners[0]["team"]
    return [
        Viewer("anne", "salesperson", first),
        Viewer("bo", "manager", None, team),
        Viewer("ida", "manager", owners[-1]["salesperson_id"], team),
        Viewer("ny", "salesperson", "S-nobody"),
        Viewer("uden", "manager"),
        Viewer("uden", "salesperson"),
    ]


def relations(reader: Reader) -> dict[str, set[str]]:
    """What a viewer sees, with its columns."""
    found: dict[str, set[str]] = {}
    for row in reader.rows(
        """
        select schema_name || '.' || table_name as relation, column_name
        from duckdb_columns()
        where database_name = current_database() and schema_name not in ('seen', 'information_schema', 'pg_catalog')
        """
    ):
        found.setdefault(row["relation"], set()).add(row["column_name"])
    return found


def own(reader: Reader, viewer: Viewer, everything: Reader) -> dict[str, set[str | None]]:
    """The customers, salespeople and teams of a viewer, computed beside the product's rules."""
    salespeople = {
        row["salesperson_id"]
        for row in everything.rows(
            "select salesperson_id, team from marts.salespeople where not is_unassigned"
        )
        if row["salesperson_id"] == viewer.salesperson_id
        or (viewer.role == "manager" and viewer.team is not None and row["team"] == viewer.team)
    }
    customers = {
        row["customer_id"]
        for row in everything.rows(
            "select distinct salesperson_id, customer_id from marts.current_portfolio_accounts"
        )
        if row["salesperson_id"] in salespeople
    }
    outlets: dict[str, set[str]] = {}
    for row in everything.rows(
        "select customer_id, chain_id from marts.customers where chain_id is not null"
    ):
        outlets.setdefault(row["chain_id"], set()).add(row["customer_id"])
    return {
        "customers": {*customers},
        "salespeople": {*salespeople},
        "teams": {viewer.team} if viewer.role == "manager" else set(),
        "chains": {chain for chain, those in outlets.items() if those <= customers},
    }


def test_every_rule_is_of_a_published_table(readers: Readers) -> None:
    with readers.reader(FINANCE) as reader:
        assert set(scope.RULES) <= relations(reader).keys()


def test_finance_and_audit_see_every_published_row(readers: Readers, published_demo: Path) -> None:
    file = published_demo / "published" / "current" / "kunderegnskab.duckdb"
    with duckdb.connect(str(file), read_only=True) as con:
        published = dict(
            con.execute(
                "select schema_name || '.' || table_name, 0 from duckdb_columns() where not internal"
            ).fetchall()
        )
        for relation in published:
            published[relation] = con.execute(f"select count(*) from {relation}").fetchall()[0][0]
    for viewer in (FINANCE, AUDIT):
        with readers.reader(viewer) as reader:
            assert {
                relation: reader.rows(f"select count(*) as n from {relation}")[0]["n"]
                for relation in relations(reader)
            } == published


def test_others_see_the_tables_that_have_a_rule_and_no_other(readers: Readers, people: list[Viewer]) -> None:
    for viewer in people:
        with readers.reader(viewer) as reader:
            assert relations(reader).keys() == scope.RULES.keys()
            with pytest.raises(duckdb.CatalogException):
                reader.rows("select * from marts.company_accounts")


def test_no_row_names_anybody_of_others(readers: Readers, people: list[Viewer]) -> None:
    for viewer in people:
        with readers.reader(FINANCE) as everything, readers.reader(viewer) as reader:
            mine = own(reader, viewer, everything)
            for relation, columns in relations(reader).items():
                for column, whose in NAMES.items():
                    # The part that a salesperson had of a customer handed over is the salesperson's.
                    theirs = relation == "marts.portfolio_accounts" and column == "customer_id"
                    if column in columns and not theirs:
                        named = {
                            row[column]
                            for row in reader.rows(
                                f"select distinct {column} from {relation} where {column} is not null"
                            )
                        }
                        assert named <= mine[whose], (viewer, relation, column)
                if "scope_type" in columns:
                    for row in reader.rows(f"select distinct scope_type, scope_id from {relation}"):
                        kind, who = row["scope_type"], row["scope_id"]
                        whose = {
                            "customer": "customers",
                            "salesperson": "salespeople",
                            "salesperson_today": "salespeople",
                            "team": "teams",
                            "chain": "chains",
                        }.get(kind)
                        if whose is not None:
                            assert who in mine[whose], (viewer, relation, row)
                        elif kind != "salesperson_segment":
                            assert relation == "marts.kpi_values", (viewer, relation, row)


def test_everything_of_the_own_is_there(readers: Readers, people: list[Viewer]) -> None:
    for viewer in people:
        with readers.reader(FINANCE) as everything, readers.reader(viewer) as reader:
            mine = own(reader, viewer, everything)
            for relation, columns in relations(reader).items():
                if "customer_id" in columns and "salesperson_id" not in columns:
                    query = f"select count(*) as n from {relation}"
                    [all_mine] = everything.rows(
                        f"{query} where customer_id in (select unnest(?))", [[*mine["customers"]]]
                    )
                    assert reader.rows(query) == [all_mine], (viewer, relation)
    assert mine == {"customers": set(), "salespeople": set(), "teams": set(), "chains": set()}


def test_the_company_is_seen_in_ratios_alone(readers: Readers, people: list[Viewer]) -> None:
    with readers.reader(people[0]) as reader:
        rows = reader.rows(
            "select * from marts.kpi_values where scope_type not in ('customer', 'salesperson')"
        )
        theirs = [row for row in rows if row["scope_type"] in ("company", "segment", "segment_opening")]
        assert any(row["scope_type"] == "company" and row["value"] is not None for row in theirs)
        assert {(row["numerator"], row["denominator"], row["scope_customers"]) for row in theirs} == {
            (None, None, None)
        }
        sums = {row["kpi_id"] for row in reader.rows("select kpi_id from marts.kpi_register where is_sum")}
        assert sums
        assert not sums & {row["kpi_id"] for row in theirs}


def test_a_group_is_seen_where_enough_others_are_in_it(readers: Readers, people: list[Viewer]) -> None:
    """Counted here in Python: whoever knows the own ones can tell nobody of five others."""
    for viewer in people:
        with readers.reader(FINANCE) as everything, readers.reader(viewer) as reader:
            mine = own(reader, viewer, everything)["customers"]
            others: Counter[tuple[str, object, str]] = Counter()
            good_others: Counter[object] = Counter()
            for row in everything.rows("select * from marts.customer_segments"):
                if row["customer_id"] not in mine:
                    others["segment", row["month"], row["segment"]] += 1
                    others["segment_opening", row["month"], row["opening_segment"]] += 1
                    good_others[row["month"]] += bool(row["is_good_customer"])
            named = {segment for _, _, segment in others}
            for row in reader.rows("select month, segment from marts.segment_profiles"):
                count = others["segment", row["month"], row["segment"]]
                if row["segment"] not in named:
                    count = good_others[row["month"]]
                assert count >= SMALLEST_GROUP, (viewer, row)
            for row in reader.rows(
                "select distinct scope_type, scope_id, month from marts.kpi_values "
                "where scope_type in ('segment', 'segment_opening')"
            ):
                assert others[row["scope_type"], row["month"], row["scope_id"]] >= SMALLEST_GROUP, (
                    viewer,
                    row,
                )
            for row in reader.rows("select * from marts.driver_opportunities where segment_rate is not null"):
                assert others["segment", row["month"], row["segment"]] >= SMALLEST_GROUP, (viewer, row)
            assert bool(reader.rows("select 1 from marts.segment_profiles")) == any(
                count >= SMALLEST_GROUP for (kind, _, _), count in others.items() if kind == "segment"
            )


def test_nothing_runs_up_over_customers_of_others(readers: Readers, people: list[Viewer]) -> None:
    """Of two neighbours' running totals the customer between them could be computed."""
    for viewer in people:
        with readers.reader(viewer) as reader:
            found = {
                (relation, column)
                for relation, columns in relations(reader).items()
                for column in columns
                if column.startswith("cumulative_")
            }
            assert found == set()


def test_the_company_has_no_amount_per_customer(readers: Readers, people: list[Viewer]) -> None:
    """Times the number of customers it would be the company's sum."""
    with readers.reader(people[0]) as reader:
        units = {
            row["unit"]
            for row in reader.rows(
                "select distinct unit from marts.kpi_register inner join marts.kpi_values using (kpi_id) "
                "where scope_type in ('company', 'segment', 'segment_opening')"
            )
        }
        assert units == {"ratio"}


def test_a_former_owner_is_not_named(readers: Readers, people: list[Viewer]) -> None:
    for viewer in people:
        with readers.reader(FINANCE) as everything, readers.reader(viewer) as reader:
            mine = own(reader, viewer, everything)["salespeople"]
            named = reader.rows(
                "select distinct salesperson_id from marts.sales_effort where salesperson_id is not null"
            )
            assert {row["salesperson_id"] for row in named} <= mine


def test_names_are_told_to_those_who_may_know_them(
    readers: Readers, people: list[Viewer], published_demo: Path
) -> None:
    names = (published_demo / "personal" / "salespeople.csv").read_text(encoding="utf-8")
    for viewer in [*people, FINANCE]:
        with readers.reader(FINANCE) as everything, readers.reader(viewer) as reader:
            mine = own(reader, viewer, everything)["salespeople"]
            for row in everything.rows(
                "select salesperson_id from marts.salespeople where not is_unassigned"
            ):
                key = row["salesperson_id"]
                told = reader.salesperson_name(key)
                if key in mine or viewer == FINANCE:
                    assert told != key
                    assert f"{key}," in names
                    assert str(told) in names
                else:
                    assert told == key


@pytest.mark.parametrize(
    "attempt",
    [
        "select * from read_csv('/etc/hostname')",
        "select * from '/etc/hostname'",
        "attach '/tmp/x.duckdb' as x",
        "copy (select 1) to '/tmp/x.csv'",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "delete from published.marts.customers",
        "create table published.marts.x as select 1 as x",
        "install httpfs",
        "load httpfs",
    ],
)
def test_what_is_open_is_locked(readers: Readers, people: list[Viewer], attempt: str) -> None:
    with readers.reader(people[0]) as reader, pytest.raises(duckdb.Error):
        reader.rows(attempt)


def test_who_reads_stays_with_the_publication_that_was_begun(small_to_change: Path) -> None:
    readers = Readers(find_workspace(small_to_change))
    pointer = small_to_change / "published" / "current.json"
    with readers.reader(FINANCE) as first:
        pointer.write_bytes(pointer.read_bytes() + b"\n")
        with readers.reader(FINANCE) as second:
            assert second._con is not first._con
            assert second.rows("select count(*) as n from marts.customers") == first.rows(
                "select count(*) as n from marts.customers"
            )
        readers.close()
        # Nobody takes from under a reader what it reads.
        assert first.rows("select count(*) as n from marts.customers")[0]["n"] > 0


def test_without_a_publication_there_is_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "company.yaml").write_text("name: Ny\ncurrency: DKK\n", encoding="utf-8")
    readers = Readers(find_workspace(tmp_path))
    with pytest.raises(NothingToRead, match="Nothing is published yet"), readers.reader(FINANCE):
        pass
