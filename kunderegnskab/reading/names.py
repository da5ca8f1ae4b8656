"""What segments, cost drivers and owners are called in a language.

Names that a company gives stay as they are; here are the words of the program among them.
"""

from __future__ import annotations

from kunderegnskab.language import Code
from kunderegnskab.pseudonyms import UNASSIGNED
from kunderegnskab.reading.reader import Reader

_DRIVERS = {
    "discount": ("Rabat", "Discount"),
    "returns": ("Returvarer", "Returns"),
    "bonus": ("Bonus", "Bonus"),
    "cash_discount": ("Kontantrabat", "Cash discount"),
    "freight": ("Fragt", "Freight"),
    "handling": ("Returhåndtering", "Return handling"),
    "other_direct": ("Provision og gebyrer", "Commission and fees"),
    "order_cost": ("Ordrebehandling", "Order handling"),
    "sales_effort": ("Salgsindsats", "Sales effort"),
    "credit": ("Kredittid", "Credit time"),
}
DRIVERS = tuple(_DRIVERS)
"""The cost drivers of marts.driver_opportunities, in the order of the account."""
_SEGMENTS = {
    "(ukendt)": ("ukendt", "unknown"),
    "Intern": ("Intern", "Internal"),
    "Ny": ("Ny", "New"),
    "Tabt": ("Tabt", "Lost"),
}
_UNASSIGNED = ("Ikke tildelt", "Not assigned")
_WITHOUT_PRODUCT = {"(uden varer)": ("uden varer", "without goods"), "(ukendt)": ("ukendt", "unknown")}


def driver_name(driver: str, code: Code) -> str:
    """A cost driver, as in marts.driver_opportunities; what is none, as it is."""
    return _DRIVERS[driver][code == "en"] if driver in _DRIVERS else driver


def segment_name(segment: str | None, code: Code) -> str:
    """A segment: its code, or what is said of customers who are in none; empty for None."""
    return _SEGMENTS[segment][code == "en"] if segment in _SEGMENTS else segment or ""


def return_reason_name(reason: str, code: Code) -> str:
    """Why goods came back, as the company writes it, or that nothing says so."""
    return _WITHOUT_PRODUCT[reason][code == "en"] if reason in _WITHOUT_PRODUCT else reason


def owner_name(reader: Reader, salesperson_id: str | None, code: Code) -> str:
    """A salesperson, by name where the viewer may know it; what is said of customers without one."""
    # Asked in any case: the reader keeps of whom it was asked.
    name = reader.salesperson_name(salesperson_id) or ""
    return _UNASSIGNED[code == "en"] if salesperson_id == UNASSIGNED else name
