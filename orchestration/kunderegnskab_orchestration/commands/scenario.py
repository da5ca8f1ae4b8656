"""`kunderegnskab scenario`: the current publication under another policy, and what differs then.

Building and comparing it belongs in kunderegnskab/scenario.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.commands.options import JsonOption, WorkspaceOption
from kunderegnskab_orchestration.commands.output import ERR, OUT, complain, print_json, progress_shown, wide

if TYPE_CHECKING:
    from kunderegnskab.scenario.comparison import Amount, Comparison, Level
    from kunderegnskab.scenario.trying import Tried

# Of each level, those that change most; the files have all.
_SHOWN = 10
_SUBTOTALS = ("customers", "net_sales", "db1", "db2", "db3", "ledger_result")
_WORDS = {
    "da": {
        "segment": "Segment",
        "salesperson": "Sælger (ejer dengang)",
        "salesperson_today": "Sælger (ejer i dag)",
        "customer": "Kunde",
        "line": "Linje",
        "before": "før",
        "after": "efter",
        "difference": "forskel",
        "customers": "kunder",
        "planned_visits": "planlagte besøg",
        "nothing": "Intet er anderledes.",
        "rest": "og {count} mere med forskel",
        "same": "ingen forskel",
        "moved": "Kunder, der skifter segment: {segment}; der skifter sælger: {salesperson}.",
    },
    "en": {
        "segment": "Segment",
        "salesperson": "Salesperson (owner then)",
        "salesperson_today": "Salesperson (owner today)",
        "customer": "Customer",
        "line": "Line",
        "before": "before",
        "after": "after",
        "difference": "difference",
        "customers": "customers",
        "planned_visits": "planned visits",
        "nothing": "Nothing differs.",
        "rest": "and {count} more that differ",
        "same": "no difference",
        "moved": "Customers that change segment: {segment}; that change salesperson: {salesperson}.",
    },
}


def scenario(
    name: Annotated[str, typer.Argument(help="What to call it; its folder is state/scenarios/NAME.")],
    policy: Annotated[
        Path | None,
        typer.Option(help="Folder of files such as segment_rules.csv, each in place of the one in policy/."),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A key of company.yaml: pvm_leaf=product_group.")
    ] = None,
    xlsx: Annotated[Path | None, typer.Option(help="Write the comparison to this workbook.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try another policy on the current publication's records, and see what differs; nothing is published.

    Ends with exit code 1 where a refresh with that policy would publish nothing, also if it was compared.
    """
    from kunderegnskab.scenario.files import write_workbook
    from kunderegnskab.scenario.trial import CannotTry
    from kunderegnskab.scenario.trying import try_policy

    # Before anything is computed.
    if xlsx is not None and not xlsx.resolve().parent.is_dir():
        raise CannotTry(f"There is no folder {xlsx.parent} for {xlsx.name}; make it first.")
    with progress_shown(as_json) as progress:
        tried = try_policy(find_workspace(workspace), name, policy, settings or (), progress)
    if xlsx is not None:
        write_workbook(xlsx, tried)
    if as_json:
        print_json(_report(tried))
    else:
        _show(tried, xlsx)
    if tried.problems:
        raise typer.Exit(1)


def _report(tried: Tried) -> dict[str, Any]:
    """What differs; the files have also what does not."""
    comparison = tried.comparison
    return {
        "status": "refused" if tried.problems else "compared",
        "scenario": tried.trial.name,
        "publication": comparison.publication,
        "first_month": f"{comparison.first_month:%Y-%m}",
        "month": f"{comparison.month:%Y-%m}",
        "policy": {source.feed: source.label for source in tried.trial.sources},
        "set": dict(tried.trial.settings),
        "differs": comparison.differs,
        "amounts": [
            {
                "level": each.level,
                "scope_id": each.scope_id,
                "name": each.name,
                "measure": each.measure,
                "before": None if each.before is None else str(each.before),
                "after": None if each.after is None else str(each.after),
                "difference": str(each.difference),
            }
            for each in comparison.amounts
            if each.before != each.after
        ],
        "places": [
            {
                "customer_id": each.customer_id,
                "name": each.name,
                "fact": each.fact,
                "before": each.before,
                "after": each.after,
            }
            for each in comparison.moved
        ],
        "problems": list(tried.problems),
        "warnings": list(tried.warnings),
        "path": str(tried.folder),
    }


def _show(tried: Tried, xlsx: Path | None) -> None:
    comparison, locale = tried.comparison, tried.trial.company.locale
    words = _WORDS[locale]
    tried_with = [source.label for source in tried.trial.sources]
    tried_with += [f"{key}={value}" for key, value in tried.trial.settings.items()]
    OUT.print(
        f"Scenario {tried.trial.name}: {', '.join(tried_with)}; compared with {comparison.publication}, "
        f"{comparison.first_month:%Y-%m} to {comparison.month:%Y-%m}. Nothing is published."
    )
    if comparison.differs:
        _show_company(comparison, words, locale)
        moved = Counter(place.fact for place in comparison.moved)
        OUT.print(words["moved"].format(segment=moved["segment"], salesperson=moved["salesperson"]))
        for level in ("segment", "salesperson", "salesperson_today", "customer"):
            _show_level(comparison, level, words, locale)
    else:
        OUT.print(words["nothing"])
    if tried.warnings:
        ERR.print("Checks that fail with this policy and did not before, without hindering a publication:")
        complain([f"  {line}" for line in tried.warnings])
    if tried.problems:
        ERR.print("A refresh with this policy would publish nothing:")
        complain([f"  {line}" for line in tried.problems])
    OUT.print("Look at")
    OUT.print(f"  {tried.folder / 'comparison.csv'}   every figure before and after; also as Parquet")
    OUT.print(f"  {tried.folder / 'places.csv'}   every customer's segment and salesperson; also as Parquet")
    OUT.print(f"  {tried.folder / 'kunderegnskab.duckdb'}   all its tables, for any DuckDB client")
    if xlsx is not None:
        OUT.print(f"  {xlsx}   the comparison, a sheet for each level")


def _show_company(comparison: Comparison, words: Mapping[str, str], locale: str) -> None:
    """The subtotals, and every line that differs."""
    rows = [
        (_measure_name(comparison, each.measure, words), *_figures(each, locale))
        for each in comparison.at("company")
        if each.measure in _SUBTOTALS or each.before != each.after
    ]
    _print_table((words["line"], words["before"], words["after"], words["difference"]), rows)


def _show_level(comparison: Comparison, level: Level, words: Mapping[str, str], locale: str) -> None:
    """The scopes that change most in DB III, then customers that move, then those of most net sales."""
    from kunderegnskab.scenario.files import by_scope

    places = {(place.customer_id, place.fact): place for place in comparison.moved}
    scopes = by_scope(comparison.at(level))
    moved = {customer_id for customer_id, _ in places} if level == "customer" else set()
    changed = [
        scope_id
        for scope_id, amounts in scopes.items()
        if scope_id in moved or any(each.before != each.after for each in amounts.values())
    ]
    changed.sort(key=lambda scope_id: _weight(scopes[scope_id], scope_id in moved))
    if not changed:
        OUT.print(f"{words[level]}: {words['same']}.")
        return
    measures = ("customers", "db3") if level != "customer" else ("db3",)
    if any(_differs(scopes[scope_id].get("planned_visits")) for scope_id in changed):
        measures = (*measures, "planned_visits")
    header = [words[level]]
    if level == "customer":
        header += [words["segment"], words["salesperson_today"]]
    for measure in measures:
        name = _measure_name(comparison, measure, words)
        header += [f"{name} {words['before']}", words["after"], words["difference"]]
    rows: list[list[str]] = []
    for scope_id in changed[:_SHOWN]:
        amounts = scopes[scope_id]
        name = next(iter(amounts.values())).name
        row = [f"{scope_id} {name}" if name else scope_id]
        if level == "customer":
            for fact in ("segment", "salesperson"):
                place = places.get((scope_id, fact))
                row.append(f"{place.before or '-'} > {place.after or '-'}" if place else "")
        for measure in measures:
            amount = amounts.get(measure)
            row += _figures(amount, locale) if amount else ["", "", ""]
        rows.append(row)
    rest = len(changed) - len(rows)
    more = words["rest"].format(count=rest) if rest else None
    _print_table(header, rows, texts=3 if level == "customer" else 1, more=more)


def _differs(amount: Amount | None) -> bool:
    return amount is not None and amount.before != amount.after


def _weight(amounts: Mapping[str, Amount], has_moved: bool) -> tuple[Decimal, bool, Decimal]:
    """Sorts those first that change most in DB III, among them those that move, then by net sales."""
    changed, size = amounts.get("db3"), amounts.get("net_sales")
    return (
        -abs(changed.difference) if changed else Decimal(0),
        not has_moved,
        -abs(size.after or size.before or Decimal(0)) if size else Decimal(0),
    )


def _measure_name(comparison: Comparison, measure: str, words: Mapping[str, str]) -> str:
    return comparison.line_names.get(measure) or words.get(measure, measure)


def _figures(amount: Amount, locale: str) -> Iterator[str]:
    from babel.numbers import format_decimal

    form = "#,##0" if amount.measure == "customers" else "#,##0.00"
    for value in (amount.before, amount.after, amount.difference):
        yield "" if value is None else format_decimal(value, form, locale=locale)


def _print_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1, more: str | None = None
) -> None:
    """A table whose columns after the first `texts` are numbers, and a line on what it leaves out."""
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, box=None, pad_edge=False)
    for column in table.columns[texts:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*map(Text, row))
    wide().print(table)
    if more is not None:
        OUT.print(f"  {more}")
    OUT.print()
