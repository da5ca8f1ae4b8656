"""Kæde: one chain's account and its outlets."""

from __future__ import annotations

from kunderegnskab.charts import Told
from kunderegnskab.reading import accounts, chains
from kunderegnskab.web import pictures
from kunderegnskab.web.asked import Asked, Context
from kunderegnskab.web.figures import cells
from kunderegnskab.web.names import segment_name
from kunderegnskab.web.pages.customer import account_cells, account_lines, key_figure

_KEYS = ("net_sales", "db1", "db2", "db3")


def context(asked: Asked) -> Context:
    """One chain."""
    found = chains.chain(asked.reader, asked.one("chain_id"))
    shown: Context = {
        "name": found.name,
        "chain_id": found.chain_id,
        "outlets": [
            {
                **row,
                "segment_name": segment_name(asked, row["segment"]),
                "cells": cells("customer_segments", row, "customer_id", "month"),
            }
            for row in found.outlets
        ],
        "customers_seen": [found.chain_id, *(row["customer_id"] for row in found.outlets)],
        "keys": (),
        "lines": (),
        "waterfall": None,
    }
    if found.is_whole:
        account = accounts.account(asked.reader, "chain", found.chain_id, asked.language.code)
        place = account_cells(account)
        shown |= {
            "keys": [key_figure(account, column, place) for column in _KEYS if account.line(column)],
            "lines": account_lines(asked, account, place),
            "waterfall": pictures.account_waterfall(
                account,
                asked.figures,
                Told("account", asked.texts["account"], asked.texts["account_said"]),
            ),
        }
    return shown
