"""What scopes, drivers, segments and owners are called in a page's language."""

from __future__ import annotations

from kunderegnskab.reading.accounts import DRIVERS
from kunderegnskab.web.asked import Asked


def driver_name(asked: Asked, driver: str) -> str:
    """A cost driver."""
    names = DRIVERS.get(driver)
    return driver if names is None else names[asked.language.code == "en"]


def segment_name(asked: Asked, segment: str | None) -> str:
    """A segment: the words among them in the page's language, codes as they are."""
    return asked.texts.get(f"segment_{segment}", segment or "")


def owner_name(asked: Asked, salesperson_id: str | None) -> str | None:
    """A salesperson, where the viewer may know; whoever has none in the page's language."""
    if salesperson_id == "Ikke tildelt":
        return asked.texts["unassigned"]
    return asked.reader.salesperson_name(salesperson_id)


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
