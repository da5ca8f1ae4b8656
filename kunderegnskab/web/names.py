"""What scopes, drivers, segments and owners are called in a page's language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kunderegnskab.reading import names
from kunderegnskab.web.asked import Asked

CUSTOMER_COLUMNS = ("customer_id", "carried_customer_id", "parent_customer_id", "chain_id")
"""Columns of the publication in which a customer stands."""
SALESPERSON_COLUMNS = ("salesperson_id", "manager_id")


def driver_name(asked: Asked, driver: str) -> str:
    """A cost driver."""
    return names.driver_name(driver, asked.language.code)


def segment_name(asked: Asked, segment: str | None) -> str:
    """A segment: the words among them in the page's language, codes as they are."""
    return names.segment_name(segment, asked.language.code)


def owner_name(asked: Asked, salesperson_id: str | None) -> str | None:
    """A salesperson, where the viewer may know; whoever has none in the page's language."""
    return names.owner_name(asked.reader, salesperson_id, asked.language.code) or None


def scope_name(asked: Asked, scope_type: str, scope_id: str) -> str:
    """What figures are of."""
    match scope_type:
        case "company":
            return asked.texts["whole_company"]
        case "salesperson" | "salesperson_today":
            return owner_name(asked, scope_id) or scope_id
        case "segment":
            return f"{asked.texts['group']} {segment_name(asked, scope_id)}"
        case "segment_opening":
            return f"{asked.texts['group_opening']} {segment_name(asked, scope_id)}"
        case "team":
            return f"{asked.texts['team']} {scope_id}"
        case "chain":
            return f"{asked.texts['chain']} {scope_id}"
    return scope_id


def customers_of(keys: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The customers whom rows name by their keys, also as what figures are of; a chain goes by its head."""
    for key in keys:
        found = [key.get(name) for name in CUSTOMER_COLUMNS]
        if key.get("scope_type") in ("customer", "chain"):
            found.append(key.get("scope_id"))
        yield from (str(each) for each in found if each)


def chain_heads(customers: Iterable[Mapping[str, Any]]) -> list[str]:
    """The heads of customers' chains, whose names are the chains'. One customer alone is no chain."""
    return [row["chain_id"] for row in customers if row["chain_customers"] > 1]


def salespeople_of(keys: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The same of salespeople; `salesperson_segment` begins with one."""
    for key in keys:
        found = [key.get(name) for name in SALESPERSON_COLUMNS]
        match key.get("scope_type"):
            case "salesperson" | "salesperson_today":
                found.append(key.get("scope_id"))
            case "salesperson_segment":
                found.append(str(key.get("scope_id")).partition(" / ")[0])
        yield from (str(each) for each in found if each)
