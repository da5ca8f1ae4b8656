"""A company of 26 months that gives every sales mart rows in compared windows, with one of every case they have rules for.

Who is who, from January 2024 to February 2026: Kro (1001) is handed over in the middle of June 2025, Hotel (1002) is
shared and buys half in euro, Kiosk (1003) has no owner, Bager (1004) begins in 2025, Marked (1005) leaves in September
2024, and Café (1006) grows across the bound of size class A. Expected numbers belong in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

COMPANY: dict[str, Any] = {
    "company_name": "To År ApS",
    "currency": "DKK",
    "minor_unit": "0.01",
    "fiscal_year_start": 1,
    "locale": "da",
    "credit_interest_rate": "0.06",
    "day_count": 365,
    "reconciliation_tolerance": "0.00",
    "analysis_months": 25,
    "pvm_leaf": "product",
    "benchmark_minimum_customers": 1,
    "segment_level": "customer",
    "rates": "actual",
}

MONTHS = [date(2024 + number // 12, number % 12 + 1, 1) for number in range(26)]
KRO, HOTEL, KIOSK, BAGER, MARKED, CAFE = "1001", "1002", "1003", "1004", "1005", "1006"
# Price and unit cost of each product in 2024; both rise on 1 January 2025 and again in 2026.
PRODUCTS = {"mel": (100, 60), "ost": (200, 150), "vin": (50, 20)}
UNITS = {"mel": "sæk", "ost": "sæk", "vin": "flaske"}


def _customers_of(number: int, month: date) -> Iterator[tuple[str, str, int, str | None]]:
    """Customer, product, quantity and currency of what is bought in a month."""
    yield KRO, "mel", 20 + number % 4, None
    yield KRO, "ost", 5 + number % 3, None
    yield HOTEL, "vin", 40 - number % 5, "EUR"
    yield HOTEL, "mel", 10, None
    if number % 3 == 0:
        yield KIOSK, "vin", 12, None
    if month >= date(2025, 3, 1):
        yield BAGER, "mel", 15 + number % 2, None
    if month <= date(2024, 9, 1):
        yield MARKED, "ost", 8, None
    yield CAFE, "mel" if number % 2 else "ost", 2 + number // 3, None
    # A product that comes and one that goes.
    if month >= date(2025, 6, 1):
        yield CAFE, "vin", 6, None
    if month <= date(2024, 12, 1):
        yield KRO, "vin", 10, None


def _line(
    document_no: str, day: date, customer_id: str | None, product_id: str | None, **other: Any
) -> dict[str, Any]:
    return {
        "document_no": document_no,
        "document_type": "invoice",
        "posting_date": day,
        "customer_id": customer_id,
        "product_id": product_id,
        **other,
    }


def _sales_lines() -> Iterator[dict[str, Any]]:
    for number, month in enumerate(MONTHS):
        rise = (Decimal("1"), Decimal("1.05"), Decimal("1.07"))[month.year - 2024]
        for position, (customer, product, quantity, currency) in enumerate(_customers_of(number, month)):
            price, cost = PRODUCTS[product]
            full = quantity * price * rise / (7 if currency else 1)
            discount = full / 10 if customer == KRO else Decimal(0)
            yield _line(
                f"F{number}-{customer}",
                month + timedelta(days=9 + 5 * (position % 2)),
                customer,
                product,
                line_no=str(position),
                order_no=f"O{number}-{customer}",
                quantity=quantity,
                list_amount=round(full, 2),
                discount_amount=round(discount, 2),
                net_amount=round(full, 2) - round(discount, 2),
                cost_amount=round(quantity * cost * rise / (7 if currency else 1), 2),
                currency=currency,
            )
    for year in (2024, 2025):
        # Goods that come back, a fee, freight on the invoice, a price correction, and a sale that nobody can place.
        yield _line(
            f"K{year}",
            date(year, 5, 20),
            KRO,
            "mel",
            document_type="credit_note",
            quantity=-3,
            list_amount=-270,
            discount_amount=0,
            net_amount=-270,
            cost_amount=-180,
            original_document_no=f"F{12 * (year - 2024) + 4}-{KRO}",
        )
        other = {"quantity": 1, "discount_amount": 0}
        for kind, customer, amount in (
            ("fee", KRO, 75 if year == 2024 else 90),
            ("freight_charge", HOTEL, 60),
            ("discount", CAFE, -40),
            ("goods", None, 30),
        ):
            yield _line(
                f"G{year}-{kind}",
                date(year, 2, 5),
                customer,
                "vin" if kind == "goods" else None,
                line_type=kind,
                list_amount=amount,
                net_amount=amount,
                **other,
            )


def _customer_costs() -> Iterator[dict[str, Any]]:
    def cost(day: date, customer_id: str, cost_type: str, amount: int) -> dict[str, Any]:
        return {
            "cost_no": f"{day}-{customer_id}-{cost_type}",
            "posting_date": day,
            "customer_id": customer_id,
            "cost_type": cost_type,
            "amount": amount,
        }

    for number, month in enumerate(MONTHS):
        yield cost(month + timedelta(days=19), KRO, "freight", 150 + 10 * (number % 5))
        yield cost(month + timedelta(days=11), HOTEL, "freight", 45 + number)
        if number % 3 == 2:
            yield cost(month + timedelta(days=20), KRO, "bonus", 200 + 5 * number)
            yield cost(month + timedelta(days=21), HOTEL, "commission", 35 + number)
            yield cost(month + timedelta(days=22), HOTEL, "cash_discount", 12 + number)
            # A customer who earns nothing: costs in months without a sale, and after it has left.
            yield cost(month + timedelta(days=3), KIOSK, "freight", 400)
            yield cost(month + timedelta(days=4), MARKED, "other", 5)
        if month.month == 6:
            yield cost(month + timedelta(days=25), KRO, "return_handling", 20)
            yield cost(month + timedelta(days=26), CAFE, "return_write_down", 15)
            # Nobody decides to lose money on a debtor.
            yield cost(month + timedelta(days=27), CAFE, "bad_debt", 70)


def _receivables() -> Iterator[dict[str, Any]]:
    """Kro pays after 30 days, which costs credit time: DB III is less than DB II."""
    for number, month in enumerate(MONTHS):
        yield {
            "document_no": f"F{number}-{KRO}",
            "customer_id": KRO,
            "invoice_date": month + timedelta(days=9),
            "due_date": month + timedelta(days=24),
            "paid_date": month + timedelta(days=39),
            "amount": 3650,
        }


def _activities() -> Iterator[dict[str, Any]]:
    for number, month in enumerate(MONTHS):
        for customer, every in ((KRO, 1), (HOTEL, 3), (KIOSK, 6), (CAFE, 4)):
            if number % every == 0:
                yield {
                    "activity_no": f"{number}-{customer}",
                    "activity_date": month + timedelta(days=14 if number % 2 else 17),
                    "customer_id": customer,
                    "activity_type": "sales_visit",
                    "quantity": 1,
                    "minutes": 30 + number,
                }


def _owner(customer_id: str, salesperson_id: str, valid_from: date, **other: Any) -> dict[str, Any]:
    return {"customer_id": customer_id, "salesperson_id": salesperson_id, "valid_from": valid_from, **other}


BEFORE, HAND_OVER = date(2020, 1, 1), date(2025, 6, 16)

_RULE = {"rule_version": "1", "valid_from": date(2024, 1, 1), "method": "absolute", "minimum_months": 3}

_POOL = {"valid_from": date(2024, 1, 1), "applies_to": "all"}

_CONCEPT = {"valid_from": date(2024, 1, 1), "services": "Fast sælger"}

_TARGET = {
    "month_from": date(2025, 1, 1),
    "month_to": date(2025, 12, 1),
    "baseline_month_from": date(2024, 1, 1),
    "baseline_month_to": date(2024, 12, 1),
    "approved_by": "Direktør",
    "approved_on": date(2024, 12, 11),
}

FEEDS: dict[str, list[dict[str, Any]]] = {
    "sales_lines": list(_sales_lines()),
    "customers": [
        {
            "customer_id": customer_id,
            "customer_name": name,
            "parent_customer_id": parent,
            "payment_terms_days": days,
        }
        # Two chains, one of them of two levels; the kiosk is in none.
        for customer_id, name, parent, days in (
            (KRO, "Kro", None, 45),
            (HOTEL, "Hotel", KRO, 30),
            (KIOSK, "Kiosk", None, 14),
            (BAGER, "Bager", HOTEL, 30),
            (MARKED, "Marked", MARKED, 14),
            (CAFE, "Café", MARKED, 30),
        )
    ],
    "products": [{"product_id": product, "unit_of_measure": unit} for product, unit in UNITS.items()],
    "salespeople": [
        {"salesperson_id": "ANNA", "salesperson_name": "Anna", "team": "Nord"},
        {"salesperson_id": "BO", "salesperson_name": "Bo", "team": "Syd"},
    ],
    "customer_owners": [
        _owner(KRO, "ANNA", BEFORE, valid_to=HAND_OVER - timedelta(days=1)),
        _owner(KRO, "BO", HAND_OVER),
        # Shared all the time; a row is only renewed at the turn of the year.
        _owner(HOTEL, "ANNA", BEFORE, share="0.6", valid_to=date(2024, 12, 31)),
        _owner(HOTEL, "ANNA", date(2025, 1, 1), share="0.6"),
        _owner(HOTEL, "BO", BEFORE, share="0.4"),
        _owner(BAGER, "BO", BEFORE),
        _owner(MARKED, "BO", BEFORE),
        _owner(CAFE, "ANNA", BEFORE),
    ],
    "customer_costs": list(_customer_costs()),
    "receivables": list(_receivables()),
    # The ledger books what the pools cost, and no line of the account. A visit costs more every year, the pool of the
    # invoices ends with 2024 and that of the desk begins, where an order takes less since July 2025.
    "ledger_accounts": [
        {"account_no": pool, "account_name": pool, "account_role": f"pool:{pool}"}
        for pool in ("besoeg", "faktura", "ordre")
    ],
    "ledger_entries": [
        {"entry_no": f"{pool}-{number}", "posting_date": month, "account_no": pool, "amount": amount}
        for number, month in enumerate(MONTHS)
        for pool, amount in (
            ("besoeg", 20 + number),
            *([("faktura", 12)] if month.year == 2024 else [("ordre", 15)]),
        )
    ],
    "cost_pools": [
        {
            **_POOL,
            "cost_pool_id": "besoeg",
            "ladder_line": "K56",
            "method": "proportional",
            "driver": "visits",
        },
        {
            **_POOL,
            "cost_pool_id": "faktura",
            "ladder_line": "K55",
            "method": "proportional",
            "driver": "orders",
        },
        {
            **_POOL,
            "cost_pool_id": "ordre",
            "ladder_line": "K55",
            "method": "capacity",
            "practical_capacity_minutes": 60,
        },
    ],
    "activity_times": [
        {
            "cost_pool_id": "ordre",
            "activity_type": "order",
            "applies_to": "all",
            "valid_from": valid_from,
            "minutes_per_unit": minutes,
        }
        for valid_from, minutes in ((date(2024, 1, 1), 10), (date(2025, 7, 1), 8))
    ],
    # What else orders and visits cost is adjusted by hand.
    "adjustments": [
        {
            "adjustment_no": f"{line_code}-{year}",
            "month": date(year, 11, 1),
            "customer_id": CAFE,
            "line_code": line_code,
            "amount": amount * (year - 2023),
            "reason": "Ekstra indsats",
            "author": "Bo",
            "approved_by": "Anna",
        }
        for line_code, amount in (("K55", 25), ("K56", 40))
        for year in (2024, 2025)
    ],
    "activities": list(_activities()),
    "exchange_rates": [
        {"currency": "EUR", "rate_date": date(2023, 12, 1), "rate": "7.43"},
        {"currency": "EUR", "rate_date": date(2025, 2, 1), "rate": "7.61"},
    ],
    "segment_rules": [
        {**_RULE, "axis": axis, "class_code": code, "threshold_from": bound, "is_good": is_good, **demands}
        for axis, code, bound, is_good, demands in (
            (
                "size",
                "A",
                "10000",
                True,
                {"hysteresis": "0.05", "good_minimum_orders": 4, "good_minimum_db3": "0"},
            ),
            ("size", "B", None, False, {"hysteresis": "0.05"}),
            ("margin", "1", "0.30", True, {"hysteresis": "0.05"}),
            ("margin", "2", None, False, {"hysteresis": "0.05"}),
        )
    ],
    "segment_overrides": [
        {
            "customer_id": HOTEL,
            "decided_on": date(2025, 6, 2),
            "segment": "B1",
            "reason": "Bygger om",
            "decided_by": "Salgschef",
            "valid_to": date(2025, 12, 31),
        }
    ],
    "service_concepts": [
        {
            **_CONCEPT,
            "segment": segment,
            "visits_per_year": visits,
            "minimum_order": minimum_order,
            "free_freight_from": free_freight_from,
            "maximum_bonus_rate": bonus,
            "maximum_payment_days": days,
        }
        for segment, visits, minimum_order, free_freight_from, bonus, days in (
            ("A1", 10, 1500, 2000, "0.01", 30),
            ("A2", 6, 1500, 3000, "0", 30),
            ("B1", 4, 500, None, "0", 30),
            ("B2", 0, 1000, 1000, "0", 8),
        )
    ],
    "kpi_register": [
        {
            "kpi_id": kpi_id,
            "name_da": name_da,
            "name_en": name_en,
            "direction": direction,
            "owner": "Salgschef",
        }
        for kpi_id, name_da, name_en, direction in (
            ("net_sales", "Salg", "Sales", "up"),
            ("db2", "DB II", "Contribution margin II", "up"),
            ("dg2", "DG II", "Contribution ratio II", "up"),
            ("freight_pct", "Fragt %", "Freight %", "down"),
        )
    ],
    "kpi_targets": [
        {
            **_TARGET,
            "kpi_id": "freight_pct",
            "scope_type": "company",
            "scope_id": "company",
            "target_value": "0.038",
        },
        {
            **_TARGET,
            "kpi_id": "db2",
            "scope_type": "salesperson",
            "scope_id": "ANNA",
            "target_value": "24000",
        },
        {
            **_TARGET,
            "kpi_id": "db2",
            "scope_type": "salesperson_today",
            "scope_id": "BO",
            "target_value": "20000",
        },
        {**_TARGET, "kpi_id": "dg2", "scope_type": "segment", "scope_id": "A1", "target_value": "0.55"},
        {
            **_TARGET,
            "kpi_id": "db2",
            "scope_type": "salesperson_segment",
            "scope_id": "ANNA",
            "segment": "A1",
            "target_value": "12000",
        },
        {
            **{name: value for name, value in _TARGET.items() if not name.startswith("baseline")},
            "kpi_id": "dg2",
            "scope_type": "segment_now",
            "scope_id": "A1",
            "target_value": "0.6",
        },
    ],
    "budgets": [
        {
            "month": month,
            "scope_type": scope_type,
            "scope_id": scope_id,
            "net_sales": net_sales,
            "db1": net_sales * 4 // 10,
            "db2": net_sales * 3 // 10,
            "db3": net_sales * 3 // 10 - 20,
        }
        for month in MONTHS[12:]
        for scope_type, scope_id, net_sales in (("company", "company", 9000), ("team", "Nord", 4000))
    ],
}

# What an earlier publication said of the first target.
PUBLISHED_BASELINES: list[dict[str, Any]] = [
    {
        "kpi_id": "freight_pct",
        "scope_type": "company",
        "scope_id": "company",
        **{name: value for name, value in _TARGET.items() if name not in ("month_to", "approved_by")},
        "baseline_value": "0.0405",
        "baseline_publication": "2024-12-11",
    }
]
