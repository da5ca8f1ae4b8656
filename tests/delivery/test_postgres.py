"""Publications in a real PostgreSQL server: the same rows, for each role its own, and never half of one."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pytest
from adbc_driver_manager import Error
from adbc_driver_postgresql import dbapi
from ruamel.yaml import YAML
from running import PATIENCE_SECONDS, REPOSITORY, copied, kunderegnskab

from kunderegnskab.delivery import postgres as delivery
from kunderegnskab.delivery.postgres import deliver
from kunderegnskab.publication import store
from kunderegnskab.reading.reader import Readers
from kunderegnskab.reading.scope import RULES, Viewer
from kunderegnskab.workspace import find_workspace


class Database:
    """A database of its own on the server."""

    def __init__(self, server: str) -> None:
        self.name = f"test_{uuid4().hex[:12]}"
        self.server = server
        self.address = f"{server.rpartition('/')[0]}/{self.name}"
        self.do(f"create database {self.name}", address=server)

    def do(self, *statements: str, address: str | None = None) -> None:
        with (
            closing(dbapi.connect(address or self.address, autocommit=True)) as con,
            closing(con.cursor()) as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)

    def rows(self, query: str, role: str = "postgres") -> list[tuple[Any, ...]]:
        address = self.address.replace("//postgres@", f"//{role}@")
        with closing(dbapi.connect(address, autocommit=True)) as con, closing(con.cursor()) as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def schemas(self) -> set[str]:
        return {
            name
            for (name,) in self.rows("select nspname from pg_namespace")
            if not name.startswith("pg_") and name not in ("public", "information_schema")
        }


@pytest.fixture
def database(postgres: str) -> Database:
    return Database(postgres)


def configured(root: Path, database: Database, *readers: dict[str, str], **more: str) -> Path:
    yaml = YAML()
    file = root / "company.yaml"
    company = yaml.load(file)
    company["publish"] = {"postgres": {"address": database.address, "readers": [*readers], **more}}
    yaml.dump(company, file)
    return root


def delivered(root: Path, **options: bool) -> str | None:
    return deliver(find_workspace(root), **options)


def compared(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """In one order, and numbers as they are worth: 1.50 and 1.5 are one."""
    plain = [
        tuple(format(each.normalize() + 0, "f") if isinstance(each, Decimal) else str(each) for each in row)
        for row in rows
    ]
    return sorted(plain)


def test_every_row_of_every_table_is_there(small_to_change: Path, database: Database) -> None:
    root = configured(small_to_change, database)
    assert delivered(root) is None
    current = store.current(root / "published")
    assert current is not None
    assert database.schemas() == {"kunderegnskab", "kunderegnskab_audit"}
    with duckdb.connect(str(current.database), read_only=True) as con:
        relations = con.execute(
            "select distinct schema_name, table_name from duckdb_columns() "
            "where schema_name in ('main', 'marts', 'audit') and not internal"
        ).fetchall()
        assert len(relations) > 80
        for schema, name in relations:
            there = "kunderegnskab_audit" if schema == "audit" else "kunderegnskab"
            here = con.execute(f"select * from {schema}.{name}").fetchall()
            assert compared(database.rows(f'select * from "{there}"."{name}"')) == compared(here), name


def test_what_it_means_and_its_key_come_along(small_to_change: Path, database: Database) -> None:
    assert delivered(configured(small_to_change, database)) is None
    [(table, column)] = database.rows(
        """
        select obj_description('kunderegnskab.customer_accounts'::regclass),
            col_description('kunderegnskab.customer_accounts'::regclass, 1)
        """
    )
    assert "customer" in table.lower()
    assert "customer" in column.lower()
    with pytest.raises(Error, match="duplicate key"):
        database.do(
            "insert into kunderegnskab.customer_accounts select * from kunderegnskab.customer_accounts limit 1"
        )


def test_a_role_sees_what_its_salesperson_or_team_may(
    published_demo: Path, tmp_path: Path, postgres: str, database: Database
) -> None:
    root = copied(published_demo, tmp_path / "demo")
    names = (root / "personal" / "salespeople.csv").read_text(encoding="utf-8").splitlines()[1:]
    keys = dict(line.split(",")[:2] for line in names)
    with (
        closing(Readers(find_workspace(root))) as readers,
        readers.reader(Viewer("x", "audit")) as everything,
    ):
        [first, *_] = everything.rows(
            """
            select salesperson_id, team from marts.salespeople
            where team is not null and salesperson_id in (select salesperson_id from marts.current_portfolio_accounts)
            order by salesperson_id
            """
        )
    role = database.name
    database.do(*(f"create role {role}_{each} login" for each in ("all", "one", "team", "none")))
    configured(
        root,
        database,
        {"role": f"{role}_all"},
        {"role": f"{role}_one", "sees": "salesperson", "of": keys[first["salesperson_id"]]},
        {"role": f"{role}_team", "sees": "team", "of": first["team"]},
    )
    assert delivered(root) is None
    viewers = {
        "all": Viewer("x", "audit"),
        "one": Viewer("x", "salesperson", first["salesperson_id"]),
        "team": Viewer("x", "manager", None, first["team"]),
    }
    seen = 0
    with closing(Readers(find_workspace(root))) as readers:
        for name, viewer in viewers.items():
            with readers.reader(viewer) as reader:
                for relation, rule in RULES.items():
                    schema, table = relation.split(".")
                    there = "kunderegnskab_audit" if schema == "audit" else "kunderegnskab"
                    # The page leaves columns empty where a policy, which hides rows, hides the row.
                    shown_by_policy = {
                        "scope_values": "denominator is not null "
                        "or scope_type not in ('company', 'segment', 'segment_opening')",
                        "customer_rates": "segment_customers is not null",
                        "customer_effort": "salesperson_id is not null",
                    }
                    only = shown_by_policy.get(rule)
                    where = f" where {only}" if only and name != "all" else ""
                    here = [tuple(row.values()) for row in reader.rows(f"select * from {relation}{where}")]
                    found = database.rows(f'select * from "{there}"."{table}"', f"{role}_{name}")
                    assert compared(found) == compared(here), (name, relation)
                    seen += len(found)
    assert seen > 1000
    for name in ("one", "team"):
        for relation in ("kunderegnskab.company_accounts", "kunderegnskab_audit.check_results"):
            with pytest.raises(Error, match="permission denied"):
                database.rows(f"select * from {relation}", f"{role}_{name}")
        [(others,)] = database.rows(
            f"select count(*) from kunderegnskab.seen_customers where role_name <> '{role}_{name}'",
            f"{role}_{name}",
        )
        assert others == 0
    with pytest.raises(Error, match="permission denied"):
        database.rows("select * from kunderegnskab.customers", f"{role}_none")


def test_it_is_handed_over_once(small_to_change: Path, database: Database) -> None:
    root = configured(small_to_change, database)
    oid = "select oid from pg_namespace where nspname = 'kunderegnskab'"
    assert delivered(root) is None
    first = database.rows(oid)
    assert delivered(root) is None
    assert database.rows(oid) == first
    assert delivered(root, again=True) is None
    assert database.rows(oid) != first
    # Other readers are another delivery.
    database.do(f"create role {database.name} login")
    assert delivered(configured(root, database, {"role": database.name})) is None
    assert database.rows("select count(*) > 0 from kunderegnskab.customers", database.name) == [(True,)]


def test_readers_are_not_blocked_and_never_see_a_mix(small_to_change: Path, database: Database) -> None:
    root = configured(small_to_change, database)
    assert delivered(root) is None
    query = "select (select publication from kunderegnskab._publication), count(*) from kunderegnskab.customer_accounts"
    with closing(dbapi.connect(database.address)) as con, closing(con.cursor()) as cursor:
        # A transaction that has read a table keeps it until it ends.
        cursor.execute(query)
        before = cursor.fetchall()
        assert delivered(root, again=True) is None
        assert {name for name in database.schemas() if "_gone_" in name}
        cursor.execute(query)
        assert cursor.fetchall() == before
        con.rollback()
    assert delivered(root, again=True) is None
    assert database.schemas() == {"kunderegnskab", "kunderegnskab_audit"}


def test_a_delivery_that_is_killed_changes_nothing(
    small_to_change: Path, database: Database, tmp_path: Path
) -> None:
    root = configured(small_to_change, database)
    assert delivered(root) is None
    before = database.rows("select oid from pg_namespace where nspname like 'kunderegnskab%'")
    program = tmp_path / "deliver.py"
    program.write_text(
        textwrap.dedent(
            """
            import os, signal, sys
            from pathlib import Path
            from kunderegnskab.delivery import postgres
            from kunderegnskab.workspace import find_workspace

            postgres._Server._put_in_place = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
            postgres.deliver(find_workspace(Path(sys.argv[1])), again=True)
            """
        ),
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, str(program), str(root)], cwd=REPOSITORY, timeout=PATIENCE_SECONDS)
    assert done.returncode == -signal.SIGKILL
    now = database.rows(
        "select oid from pg_namespace where nspname in ('kunderegnskab', 'kunderegnskab_audit')"
    )
    assert sorted(now) == sorted(before)
    assert delivered(root, again=True) is None
    assert database.schemas() == {"kunderegnskab", "kunderegnskab_audit"}


def test_what_is_wrong_is_one_sentence_without_the_password(
    small_to_change: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = configured(small_to_change, database, {"role": "nobody_of_that_name"})
    told = delivered(root)
    assert told is not None
    assert told.startswith("0001-")
    assert "the server has no role nobody_of_that_name, which company.yaml lists" in told
    database.address = "postgresql://postgres:${KUNDEREGNSKAB_TEST_PASSWORD}@127.0.0.1:1/nowhere"
    told = delivered(configured(root, database))
    assert "the environment has no KUNDEREGNSKAB_TEST_PASSWORD, set it where the program is started" in str(
        told
    )
    for secret in ("hemmelig", "p%zzkilling", "p@ssw0rd", "pa/ssword", "a:b"):
        monkeypatch.setenv("KUNDEREGNSKAB_TEST_PASSWORD", secret)
        told = delivered(root)
        assert "is published, but PostgreSQL did not take it: " in str(told)
        assert "\n" not in str(told)
        assert not [
            part for start in range(len(secret) - 3) if (part := secret[start : start + 4]) in str(told)
        ]


@pytest.mark.parametrize("theirs", ["kunderegnskab", "kunderegnskab_audit", "kunderegnskab_next"])
def test_a_schema_of_somebody_else_is_not_touched(
    small_to_change: Path, database: Database, theirs: str
) -> None:
    database.do(f"create schema {theirs}", f"create table {theirs}.kept as select 1 as one")
    told = delivered(configured(small_to_change, database))
    assert f"the database has a schema {theirs} that is not this company's; name another one" in str(told)
    assert database.rows(f"select one from {theirs}.kept") == [(1,)]


def test_one_delivery_at_a_time(small_to_change: Path, database: Database) -> None:
    root = configured(small_to_change, database)
    with closing(dbapi.connect(database.address, autocommit=True)) as con, closing(con.cursor()) as cursor:
        cursor.execute(f"select pg_advisory_lock({delivery._LOCK} # hashtext('kunderegnskab'))")
        assert "another refresh is handing a publication over at this moment" in str(delivered(root))
    assert delivered(root) is None


def test_the_command_hands_over_and_a_refresh_says_what_did_not_succeed(
    small_to_change: Path, database: Database
) -> None:
    done = kunderegnskab("deliver", "--workspace", small_to_change)
    assert (done.code, "company.yaml names no server under publish: postgres" in done.err) == (1, True)
    root = configured(small_to_change, database)
    done = kunderegnskab("deliver", "--json", "--workspace", root)
    assert done.code == 0, done.err
    assert '"schema": "kunderegnskab"' in done.out
    configured(root, database, {"role": "nobody_of_that_name"})
    done = kunderegnskab("refresh", "--full", "--workspace", root)
    assert done.code == 0, done.err
    assert "PostgreSQL did not take it: the server has no role nobody_of_that_name" in done.out + done.err
