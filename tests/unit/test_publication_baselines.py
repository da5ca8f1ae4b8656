"""Which publication a target's baseline comes from: the one it was approved on, or the first with it, for good."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kunderegnskab.audit.reperformance import CannotReperform, _require_baselines
from kunderegnskab.publication import publish as publishing
from kunderegnskab.publication import store
from kunderegnskab.publication.baselines import load_baselines
from kunderegnskab.publication.publish import MartRequest, PublishRequest, publish
from kunderegnskab.quality import certification
from kunderegnskab.quality.certification import CheckResult, ExpectedCheck

GATE = ExpectedCheck(stage="gate", check_name="gate__margin_is_plausible")
MARTS = [
    MartRequest(
        schema_name="marts", table="kpi_values", key=("kpi_id", "scope_type", "month", "time_window")
    ),
    MartRequest(schema_name="marts", table="target_baselines", key=("kpi_id", "scope_type", "month_from")),
]
KEY = "kpi_id varchar, scope_type varchar, scope_id varchar, month_from date"
PERIOD = "baseline_month_from date, baseline_month_to date, approved_on date"
BASELINE = "baseline_value decimal(18,6), baseline_publication varchar"
TARGET = ("dg2", "company", "company", date(2025, 1, 1))
YEAR_2024 = (date(2024, 1, 1), date(2024, 12, 1))
APPROVED = date(2024, 12, 11)


class Workspace:
    """Publications on days of the test's choice, and a warehouse with the targets of today."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.published = folder / "published"
        self.monkeypatch = monkeypatch
        self.count = 0
        self.gone: list[store.Publication] = []
        self.scopes: list[tuple[str, str]] = []
        self.versions: list[tuple[str | None]] = []

    def publish(
        self,
        day: date,
        *,
        values: list[Any] | None = None,
        baselines: list[Any] | None = None,
        versions: str = "",
    ) -> str:
        """A publication of that day; gives its name. Without values or baselines it lacks the mart.

        Args:
            versions: further columns of target_baselines.
        """
        self.count += 1
        warehouse = self.folder / f"warehouse-{self.count}.duckdb"
        columns = {
            "kpi_values": "kpi_id varchar, scope_type varchar, scope_id varchar, month date, "
            "time_window varchar, numerator decimal(18,4), denominator decimal(18,4)",
            "target_baselines": f"{KEY}, {PERIOD}, {BASELINE}{versions}",
        }
        rows = {"kpi_values": values, "target_baselines": baselines}
        with duckdb.connect(str(warehouse)) as con:
            con.execute("create schema marts")
            for mart in MARTS:
                found = rows[mart.table]
                if found is not None:
                    con.execute(f"create table marts.{mart.table} ({columns[mart.table]})")
                    for row in found:
                        con.execute(
                            f"insert into marts.{mart.table} values ({', '.join('?' * len(row))})", row
                        )
            certification.start_load(con, load_id="l", run_id="r", input_hash="inputs", code_version="1.0")
            certification.start_build(con, "build")
            passed = {"subject": "kpi_values", "status": "passed", "failing_rows": 0}
            certification.record(con, [CheckResult.model_validate(GATE.model_dump() | passed)], ())
        request = PublishRequest(
            run_id=f"run{self.count}",
            started_at=datetime(2026, 1, 1, tzinfo=UTC),
            company="Nordlys Engros A/S",
            locale="da",
            currency="DKK",
            code_version="1.0",
            input_hash="inputs",
            inputs=[],
            parameters={},
            expected_checks=[GATE],
            marts=[mart for mart in MARTS if rows[mart.table] is not None] or MARTS[:1],
            keep_publications=2,
        )

        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Clock:
                return cls(day.year, day.month, day.day, 15, tzinfo=tz)

        self.monkeypatch.setattr(publishing, "datetime", Clock)

        def write_quality(folder: Path) -> None:
            (folder / "report.html").write_text("<!doctype html><title>Kvalitet</title>", encoding="utf-8")

        return publish(warehouse, self.published, request, write_quality=write_quality).name

    def baselines(self, *targets: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Baseline value and publication of each of today's targets that has one; their scopes stay in `scopes`."""
        with duckdb.connect() as con:
            self.load(con, store.current(self.published), *targets)
            assert con.execute("select count(*) from duckdb_databases() where not internal").fetchone() == (
                1,
            )
            self.scopes = con.execute(
                "select scope_type, scope_id from raw.published_baselines order by all"
            ).fetchall()
            self.versions = con.execute("select rule_version from raw.published_baselines").fetchall()
            return con.execute(
                "select baseline_value, baseline_publication from raw.published_baselines order by all"
            ).fetchall()

    def load(
        self, con: duckdb.DuckDBPyConnection, now: store.Publication | None, *targets: tuple[Any, ...]
    ) -> None:
        """Fills raw.published_baselines for targets, beside the publication that is the current one."""
        con.execute("create schema raw")
        con.execute(f"create table raw.kpi_targets ({KEY}, {PERIOD}, segment varchar)")
        con.execute(
            f"create table raw.published_baselines ({KEY}, {PERIOD}, {BASELINE}, rule_version varchar)"
        )
        for target in targets:
            row = (*target, "all")[:8]
            con.execute("insert into raw.kpi_targets values (?, ?, ?, ?, ?, ?, ?, ?)", row)
        self.gone = load_baselines(con, self.published, now)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    return Workspace(tmp_path, monkeypatch)


def months(
    numerator: str, denominator: str | None = "1200", scope: str = "company", first: int = 1
) -> list[tuple[Any, ...]]:
    """The rows of each month of 2024 from `first` on, all alike."""
    bottom = None if denominator is None else Decimal(denominator)
    return [
        ("dg2", scope, scope, date(2024, month, 1), "month", Decimal(numerator), bottom)
        for month in range(first, 13)
    ]


def baseline(value: str | None, publication: str | None = None, **changes: Any) -> tuple[Any, ...]:
    period = (changes.get("first", YEAR_2024[0]), YEAR_2024[1], changes.get("approved_on", APPROVED))
    return (*TARGET, *period, None if value is None else Decimal(value), publication)


def test_before_the_first_publication_there_is_none(workspace: Workspace) -> None:
    assert workspace.baselines((*TARGET, *YEAR_2024, APPROVED)) == []


def test_a_baseline_is_handed_on_and_keeps_the_name_of_its_first_publication(workspace: Workspace) -> None:
    first = workspace.publish(date(2025, 1, 5), values=months("300"), baselines=[baseline("0.24")])
    target = (*TARGET, *YEAR_2024, APPROVED)
    assert workspace.baselines(target) == [(Decimal("0.240000"), first)]
    # Later publications prune the first one, whose name stays.
    for day in (6, 7, 8):
        workspace.publish(date(2025, 1, day), values=months("999"), baselines=[baseline("0.24", first)])
    assert not (workspace.published / first / "kunderegnskab.duckdb").exists()
    assert workspace.baselines(target) == [(Decimal("0.240000"), first)]


@pytest.mark.parametrize(
    "target",
    [
        (*TARGET, date(2024, 7, 1), YEAR_2024[1], APPROVED),
        (*TARGET, *YEAR_2024, date(2024, 12, 12)),
        (*TARGET, *YEAR_2024, None),
        (*TARGET[:3], date(2025, 2, 1), *YEAR_2024, APPROVED),
    ],
    ids=["another period", "another approval", "no approval", "another target"],
)
def test_a_changed_target_is_another_one(workspace: Workspace, target: tuple[Any, ...]) -> None:
    workspace.publish(date(2025, 1, 5), values=[], baselines=[baseline("0.24")])
    assert workspace.baselines(target) == []


def test_a_baseline_that_could_not_be_computed_is_not_handed_on(workspace: Workspace) -> None:
    workspace.publish(date(2025, 1, 5), values=[], baselines=[baseline(None)])
    assert workspace.baselines((*TARGET, *YEAR_2024, APPROVED)) == []


def test_a_new_target_starts_from_what_was_current_on_the_day_of_its_approval(workspace: Workspace) -> None:
    workspace.publish(date(2025, 1, 5), values=months("252"))
    approved = workspace.publish(
        date(2025, 1, 10), values=[*months("264"), *months("384", scope="segment")], baselines=[]
    )
    workspace.publish(date(2025, 1, 11), values=months("276"), baselines=[])
    assert workspace.baselines((*TARGET, *YEAR_2024, date(2025, 1, 10))) == [(Decimal("0.220000"), approved)]
    assert workspace.baselines((*TARGET, *YEAR_2024, date(2025, 1, 4))) == []
    # The customers of a segment are those of the opening of the target, not of the baseline.
    for scope_type in ("segment", "segment_opening", "salesperson_segment"):
        segment = ("dg2", scope_type, "segment", date(2025, 1, 1), *YEAR_2024, date(2025, 1, 10))
        assert workspace.baselines(segment) == []


@pytest.mark.parametrize("named_then", ["segment", "segment_opening"])
@pytest.mark.parametrize("named_now", ["segment", "segment_opening"])
def test_a_baseline_of_a_segment_is_handed_on_under_its_new_name(
    workspace: Workspace, named_then: str, named_now: str
) -> None:
    """What a file calls segment is who was in it at the opening; publications called it so too, once."""
    held = ("dg2", named_then, "A1", date(2025, 1, 1), *YEAR_2024, APPROVED, Decimal("0.24"), None)
    name = workspace.publish(date(2025, 1, 5), values=[], baselines=[held])
    found = ("dg2", named_now, "A1", date(2025, 1, 1), *YEAR_2024, APPROVED)
    assert workspace.baselines(found) == [(Decimal("0.240000"), name)]
    assert workspace.scopes == [("segment_opening", "A1")]


def test_a_baseline_of_a_salesperson_within_a_segment_is_handed_on(workspace: Workspace) -> None:
    held = ("dg2", "salesperson_segment", "BO / A1", *TARGET[3:], *YEAR_2024, APPROVED, Decimal("0.24"), None)
    name = workspace.publish(date(2025, 1, 5), values=[], baselines=[held])
    target = ("dg2", "salesperson_segment", "BO", *TARGET[3:], *YEAR_2024, APPROVED)
    assert workspace.baselines((*target, "A1")) == [(Decimal("0.240000"), name)]
    assert workspace.scopes == [("salesperson_segment", "BO / A1")]
    assert workspace.baselines((*target, "B2")) == []


@pytest.mark.parametrize(
    ("columns", "held", "known"),
    [
        # Versions before this one did not say by which rules a baseline was published first.
        ("", (), None),
        (", rule_version varchar", ("standard",), "standard"),
        (
            ", rule_version varchar, baseline_rule_version varchar",
            ("standard (kæder)", "standard"),
            "standard",
        ),
    ],
)
def test_a_baseline_keeps_the_rules_that_it_was_published_by(
    workspace: Workspace, columns: str, held: tuple[str, ...], known: str | None
) -> None:
    row = ("dg2", "segment_opening", "A1", *TARGET[3:], *YEAR_2024, APPROVED, Decimal("0.24"), None, *held)
    workspace.publish(date(2025, 1, 5), values=[], baselines=[row], versions=columns)
    workspace.baselines(("dg2", "segment", "A1", *TARGET[3:], *YEAR_2024, APPROVED))
    assert workspace.versions == [(known,)]


def test_a_baseline_is_the_quotient_of_its_months_sums(workspace: Workspace) -> None:
    day = date(2025, 1, 5)
    name = workspace.publish(day, values=[*months("100", "300", first=11), *months("-200", "0")[:10]])
    of_november = (*TARGET, date(2024, 11, 1), YEAR_2024[1], day)
    of_october = (*TARGET, date(2024, 10, 1), YEAR_2024[1], day)
    assert workspace.baselines(of_november) == [(Decimal("0.333333"), name)]
    # (-200 + 100 + 100) / 600, then (-400 + 200) / 600: half away from zero, and never a mean of ratios.
    assert workspace.baselines(of_october) == [(Decimal("0.000000"), name)]
    assert workspace.baselines((*TARGET, date(2024, 9, 1), YEAR_2024[1], day)) == [
        (Decimal("-0.333333"), name)
    ]
    assert workspace.baselines((*TARGET, date(2024, 9, 1), date(2024, 10, 1), day)) == []  # nothing sold
    assert workspace.baselines((*TARGET, None, YEAR_2024[1], day)) == []


@pytest.mark.parametrize(("numerator", "rounded"), [("0.0005", "0.000001"), ("-0.0005", "-0.000001")])
def test_a_baseline_is_rounded_half_away_from_zero(
    workspace: Workspace, numerator: str, rounded: str
) -> None:
    day = date(2025, 1, 5)
    name = workspace.publish(day, values=months(numerator, "1000"))
    assert workspace.baselines((*TARGET, *YEAR_2024, day)) == [(Decimal(rounded), name)]


def test_the_baseline_of_a_sum_is_the_sum_of_its_months(workspace: Workspace) -> None:
    day = date(2025, 1, 5)
    name = workspace.publish(day, values=months("10.2500", None))
    assert workspace.baselines((*TARGET, date(2024, 11, 1), YEAR_2024[1], day)) == [(Decimal("20.5"), name)]


def test_a_publication_without_all_months_of_the_baseline_has_no_baseline(workspace: Workspace) -> None:
    day = date(2025, 1, 5)
    workspace.publish(day, values=months("240", first=2))
    assert workspace.baselines((*TARGET, *YEAR_2024, day)) == []


def test_a_target_approved_on_a_day_whose_publication_is_pruned_has_none(workspace: Workspace) -> None:
    for number in range(5, 9):
        workspace.publish(date(2025, 1, number), values=months("240"))
    assert workspace.baselines((*TARGET, *YEAR_2024, date(2025, 1, 5))) == []
    assert [publication.name for publication in workspace.gone] == ["0001-run1"]


@pytest.mark.parametrize(
    ("taken_from", "is_refused"),
    [("0001-run1", True), (None, False), ("0003-run3", False)],
    ids=["from the pruned one", "from no publication", "from one that is there"],
)
def test_a_publication_whose_baseline_is_pruned_is_not_computed_again(
    workspace: Workspace, taken_from: str | None, is_refused: bool
) -> None:
    target = (*TARGET, *YEAR_2024, date(2025, 1, 5))
    held = [(*target, Decimal("0.2"), taken_from)]
    for number in range(5, 9):
        workspace.publish(
            date(2025, 1, number), values=months("240"), baselines=held if number == 8 else None
        )
    now = store.current(workspace.published)
    assert now is not None
    before = next(each for each in store.publications(workspace.published) if each.name == "0003-run3")
    with duckdb.connect() as con:
        workspace.load(con, before, target)
        with pytest.raises(CannotReperform) if is_refused else nullcontext() as refused:
            _require_baselines(con, now, workspace.gone)
    assert [publication.name for publication in workspace.gone] == ["0001-run1"]
    if refused is not None:
        assert "took a baseline from what 0001-run1 held" in str(refused.value)
