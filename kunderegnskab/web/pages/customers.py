"""Kunder: the list, searched, narrowed and sorted by its address."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from kunderegnskab.reading.customers import COLUMNS, PAGE, SORTS, USUAL, Wanted, listed
from kunderegnskab.reading.reader import Row
from kunderegnskab.spreadsheets import write_cell
from kunderegnskab.statements.workbook import new_book, new_sheet
from kunderegnskab.web.asked import Asked, Context
from kunderegnskab.web.figures import cells
from kunderegnskab.web.names import chain_heads, owner_name, segment_name

_GROUPS = ("loss", "up_down", "good")
_FILTERS = ("search", "segment", "salesperson", "chain", "industry", "group")
_MONEY = frozenset({"net_sales", "change", "db2", "db3", "db3_change", "actions"})
PARAMETERS = (*_FILTERS, "sort", "order", "columns", "page")
_DESCENDING = frozenset({"net_sales", "change", "db2", "db3_change", "dg3", "actions", "remaining"})


def wanted_of(asked: Asked) -> tuple[Wanted, list[str]]:
    """What of the list an address wants, and the columns that it has; what it cannot say is left out."""
    given = {name: asked.maybe(name) for name in _FILTERS}
    number = asked.maybe("page")
    page = int(number) if number.isascii() and number.isdigit() else 1
    return (
        Wanted(
            given["search"],
            given["segment"],
            given["salesperson"],
            given["chain"],
            given["industry"],
            given["group"] if given["group"] in _GROUPS else "",
            asked.maybe("sort") if asked.maybe("sort") in SORTS else "db3",
            asked.maybe("order") == "desc",
            min(max(page, 1), 10_000),
        ),
        [name for name in COLUMNS if name in asked.maybe("columns").split(",")] or list(USUAL),
    )


def context(asked: Asked) -> Context:
    """A page of the list."""
    t = asked.texts
    wanted, chosen = wanted_of(asked)
    given = {name: asked.maybe(name) for name in _FILTERS}
    sort, order, page = wanted.sort, "desc" if wanted.descending else "asc", wanted.page
    found = listed(asked.reader, wanted)
    state = {
        **{name: value for name, value in given.items() if value},
        **({"columns": ",".join(chosen)} if chosen != list(USUAL) else {}),
    }

    def address(**changed: object) -> str:
        query = {**state, "sort": sort, "order": order, **changed}
        return f"/kunder?{urlencode(query)}"

    workbook = urlencode({**state, "sort": sort, "order": order})

    month = asked.reader.last_month
    count = found.totals["customers"]
    return {
        "given": given,
        "sort": sort,
        "order": order,
        "columns": chosen,
        "all_columns": COLUMNS,
        "column_choices": [
            (name, name in chosen, address(columns=",".join(_toggled(chosen, name)))) for name in COLUMNS
        ],
        "column_names": {name: t[f"column_{name}"] for name in (*COLUMNS, "customer_name")},
        "sort_addresses": {
            name: address(
                sort=name,
                order=("asc" if order == "desc" else "desc")
                if name == sort
                else ("desc" if name in _DESCENDING else "asc"),
            )
            for name in SORTS
        },
        "rows": [
            {
                **row,
                "segment_name": segment_name(asked, row["segment"]),
                # Who is not shown is not asked for, so that nobody is noted as seen.
                "owner_name": owner_name(asked, row["salesperson_id"]) if "owner" in chosen else None,
                "cells": cells("customer_segments", row, "customer_id", month=month),
                "effort_cells": cells("sales_effort", row, "customer_id", month=month),
            }
            for row in found.rows
        ],
        "totals": found.totals,
        "choices": {
            **found.choices,
            "segments": [
                {**row, "name": segment_name(asked, row["id"])} for row in found.choices["segments"]
            ],
            "salespeople": [
                {**row, "name": owner_name(asked, row["id"])} for row in found.choices["salespeople"]
            ],
        },
        "groups": [(name, t[f"group_{name}"]) for name in _GROUPS],
        "page": page,
        "pages": max(-(-count // PAGE), 1),
        "first": (page - 1) * PAGE + 1 if found.rows else 0,
        "last": (page - 1) * PAGE + len(found.rows),
        "workbook": f"/kunder.xlsx?{workbook}",
        "previous": address(page=page - 1) if page > 1 else None,
        "next": address(page=page + 1) if page * PAGE < count else None,
        "customers_seen": [
            *_seen(found.rows, chosen),
            # The choice of chains has the names of their heads.
            *(row["id"] for row in found.choices["chains"]),
        ],
    }


def as_workbook(asked: Asked) -> tuple[bytes, list[str]]:
    """All customers that are wanted, with the columns that are chosen, as a workbook; and whom it names."""
    wanted, chosen = wanted_of(asked)
    rows = listed(asked.reader, wanted, most=None).rows
    columns = ["customer_id", "customer_name", *chosen]
    publication, title = asked.reader.publication, asked.texts["menu_customers"]
    stream, book = new_book(publication, title)
    sheet = new_sheet(book, publication, title)
    bold, money, ratio, day = (
        book.add_format(form)
        for form in (
            {"bold": True},
            {"num_format": "#,##0.00"},
            {"num_format": "0.0%"},
            {"num_format": "yyyy-mm-dd"},
        )
    )
    for column, name in enumerate(columns):
        sheet.write_string(0, column, asked.texts[f"column_{name}"], bold)
        kind = money if name in _MONEY else ratio if name == "dg3" else day if name == "visit" else None
        sheet.set_column(column, column, 32 if name == "customer_name" else 16, kind)
    for number, row in enumerate(rows, start=1):
        shown = {
            **row,
            "segment": segment_name(asked, row["segment"]),
            "owner": owner_name(asked, row["salesperson_id"]) if "owner" in chosen else None,
            "chain": row["chain_name"] if row["chain_customers"] > 1 else None,
            "change": row["net_sales_change"],
            "actions": row["actions_worth"],
            "remaining": row["remaining_visits"],
        }
        for column, name in enumerate(columns):
            if name == "visit":
                if row["last_visit_date"] is not None:
                    sheet.write_datetime(number, column, row["last_visit_date"], day)
            elif shown[name] is not None:
                write_cell(sheet, number, column, shown[name])
    sheet.freeze_panes(1, 2)
    book.close()
    return stream.getvalue(), _seen(rows, chosen)


def _seen(rows: Sequence[Row], chosen: list[str]) -> list[str]:
    """The customers whom rows of the list name, with the heads of their chains where those are shown."""
    return [*(row["customer_id"] for row in rows), *(chain_heads(rows) if "chain" in chosen else ())]


def _toggled(chosen: list[str], name: str) -> list[str]:
    wanted = {*chosen} ^ {name}
    return [each for each in COLUMNS if each in wanted] or list(USUAL)
