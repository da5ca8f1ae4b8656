"""Kunde: one customer's account, why it is so, and what to agree with them."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal

from kunderegnskab import charts
from kunderegnskab.charts import Bar, Told
from kunderegnskab.decisions import notes
from kunderegnskab.decisions.notes import WRITERS
from kunderegnskab.months import months_on
from kunderegnskab.reading import accounts, decisions, segments
from kunderegnskab.reading.accounts import Account, CustomerAccount
from kunderegnskab.reading.names import return_reason_name
from kunderegnskab.reading.reader import Reader, Row
from kunderegnskab.web import pictures
from kunderegnskab.web.asked import Asked, Context
from kunderegnskab.web.figures import Cells, cells
from kunderegnskab.web.names import chain_heads, driver_name, owner_name, segment_name
from kunderegnskab.web.pages.decisions import proposed
from kunderegnskab.workspace import Workspace

_KEYS = ("net_sales", "db1", "db2", "db3")


def context(asked: Asked) -> Context:
    """One customer."""
    customer_id = asked.one("customer_id")
    found = accounts.customer_account(asked.reader, customer_id, asked.language.code)
    account, t, f = found.account, asked.texts, asked.figures
    place = account_cells(account)
    segment = found.segment
    worth = sum((row["worth"] or Decimal(0) for row in found.actions), Decimal(0))
    months = _months(found)
    return {
        "customer": found.customer,
        "account": account,
        "keys": [key_figure(account, column, place) for column in _KEYS if account.line(column)],
        "lines": account_lines(asked, account, place),
        "waterfall": pictures.account_waterfall(account, f, Told("account", t["account"], t["account_said"])),
        "months": months,
        "month_cells": [cells("customer_accounts", row, "customer_id", "month") for row in months],
        "month_chart": pictures.by_month(
            months, "db3", f, Told("months", t["db3_by_month"], t["db3_by_month_said"])
        ),
        "actions": [
            {
                **row,
                "name": driver_name(asked, row["driver"]),
                "sentence": asked.of(row, "sentence"),
                "cells": cells("customer_actions", row, "customer_id", "driver"),
            }
            for row in found.actions
            if row["worth"]
        ],
        "worth": worth,
        "is_measured": any(row["benchmark_group"] for row in found.drivers),
        "drivers": [
            {
                **row,
                "name": driver_name(asked, row["driver"]),
                "cells": cells("driver_opportunities", row, "customer_id", "driver"),
            }
            for row in found.drivers
            if row["cost"] or row["benchmark"]
        ],
        "drivers_chart": _drivers_chart(asked, found),
        "gaps": [
            {
                **row,
                "name": t[f"gap_{row['characteristic']}"],
                "unit": _GAP_UNITS.get(row["characteristic"], "count"),
                "cells": cells("customer_profile_gaps", row, "customer_id", "characteristic"),
            }
            for row in found.gaps
        ],
        "terms": [
            {
                **row,
                "name": t[f"term_{row['term']}"],
                "sentence": asked.of(row, "sentence"),
                "cells": cells("terms_beyond_concept", row, "customer_id", "term"),
            }
            for row in found.terms
        ],
        "effort": found.effort,
        "effort_reason": asked.of(found.effort, "reason") if found.effort else "",
        "effort_cells": cells("sales_effort", found.effort, "customer_id", "month") if found.effort else None,
        "measures": account.measures,
        "place": place,
        "segment": segment,
        "segment_name": segment_name(asked, segment["segment"]) if segment else "",
        "opening_name": segment_name(asked, segment["opening_segment"]) if segment else "",
        "segment_reason": asked.of(segment, "reason") if segment else "",
        "returns": [
            {
                **row,
                "name": return_reason_name(row["return_reason"], asked.language.code),
                "cells": cells("return_reason_shares", row, "scope_type", "scope_id", "return_reason"),
            }
            for row in found.returns
        ],
        "customers_seen": chain_heads([found.customer]),
        "owners": [{**row, "name": owner_name(asked, row["salesperson_id"])} for row in found.owners],
    }


def now(asked: Asked, workspace: Workspace) -> Context:
    """Notes and decisions, also those that were written since the publication, and forms for more."""
    customer_id, viewer = asked.one("customer_id"), asked.reader.viewer
    published = decisions.customer_notes(asked.reader, customer_id)
    since = notes.written_since(workspace, customer_id, {row["note_id"] for row in published})
    rows: list[Row] = [
        *({**asdict(note), "is_new": True} for note in reversed(since)),
        *({**row, "is_new": False} for row in published),
    ]
    shown = [
        {
            **row,
            "who": asked.reader.writer_name(row["written_by"]),
            "name": driver_name(asked, row["driver"]) if row["driver"] else "",
        }
        for row in rows
    ]
    return {
        "notes": shown,
        "decided": decisions.decided(shown),
        "may_write": viewer.role in WRITERS,
        "refused": None,
        "proposed": proposed(asked, workspace, customer_id),
        # Where chains are classed as one, it is decided at the top.
        "may_propose": viewer.role in WRITERS and is_classed_alone(asked.reader, workspace, customer_id),
        "choices": segments.axes(asked.reader).segments,
    }


def is_classed_alone(reader: Reader, workspace: Workspace, customer_id: str) -> bool:
    """Whether an override can name the customer: chains that are classed as one have it at their top."""
    if workspace.company.segment_level != "chain":
        return True
    row = reader.row("select chain_id from marts.customers where customer_id = ?", [customer_id])
    return row is not None and row["chain_id"] in (None, customer_id)


_GAP_UNITS = {
    "net_sales": "amount",
    "order_size": "amount",
    "dg2": "ratio",
    "dg3": "ratio",
    "freight_pct": "ratio",
    "bonus_pct": "ratio",
    "return_pct": "ratio",
}


def account_cells(account: Account) -> Cells:
    """Where the amounts of an account are published."""
    return cells(
        "scope_windows",
        {"month": account.month},
        "month",
        scope_type=account.scope_type,
        scope_id=account.scope_id,
        time_window="r12",
    )


def key_figure(account: Account, column: str, place: Cells) -> Context:
    """A subtotal with last year beside it."""
    line = account.line(column)
    assert line is not None
    return {
        "name": line.name,
        "amount": line.amount,
        "compared": line.compared,
        "change": line.change,
        "share": account.share(line) if column != "net_sales" else None,
        "compared_share": account.compared_share(line) if column != "net_sales" else None,
        "address": place(column),
        "compared_address": place(f"compared_{column}"),
    }


def account_lines(asked: Asked, account: Account, place: Cells) -> list[Context]:
    """The lines of an account as a table shows them: costs are negative, shares of net sales."""
    return [
        {
            "code": line.code,
            "name": line.name,
            "is_subtotal": line.is_subtotal,
            "effect": line.effect,
            "compared": line.compared_effect,
            "share": account.share(line),
            "compared_share": account.compared_share(line),
            "address": place(line.column),
            "compared_address": place(f"compared_{line.column}"),
        }
        for line in account.lines
    ]


def _months(found: CustomerAccount) -> list[Row]:
    """The twelve months of the account, with last year in `compared_`; also those without sales."""
    by_month = {row["month"]: row for row in found.months}
    shown = []
    for later in range(-11, 1):
        month = months_on(found.account.month, later)
        row, before = by_month.get(month), by_month.get(months_on(month, -12))
        shown.append(
            {
                "customer_id": found.customer["customer_id"],
                "month": month,
                "is_there": row is not None,
                **{name: row[name] if row else None for name in _KEYS},
                **{f"compared_{name}": before[name] if before else None for name in _KEYS},
            }
        )
    return shown


def _drivers_chart(asked: Asked, found: CustomerAccount) -> object:
    """What each driver takes of sales, with the benchmark as a mark."""
    rows = [row for row in found.drivers if row["rate"] is not None and row["benchmark"] is not None]
    if not rows:
        return None
    bars = [
        Bar(
            driver_name(asked, row["driver"]),
            row["rate"],
            asked.language.percent(row["rate"]),
            "loss" if row["rate"] > row["benchmark"] else "plain",
            then=row["benchmark"],
        )
        for row in rows
    ]
    told = Told("drivers", asked.texts["drivers"], asked.texts["drivers_said"])
    return pictures.both(lambda width: charts.bars(bars, told, width=width))
