"""A small company with one of every case the account has rules for. Expected numbers belong in the tests."""

from __future__ import annotations

from datetime import date
from typing import Any

COMPANY: dict[str, Any] = {
    "company_name": "Lille Engros ApS",
    "currency": "DKK",
    "minor_unit": "0.01",
    "fiscal_year_start": 7,
    "locale": "da",
    "credit_interest_rate": "0.06",
    "day_count": 365,
    "reconciliation_tolerance": "0.00",
}


def _line(
    document_no: str,
    posting_date: date,
    customer_id: str | None,
    product_id: str | None,
    quantity: str,
    list_amount: str,
    net_amount: str,
    **other: Any,
) -> dict[str, Any]:
    """One sales line; the discount is the difference of the two amounts, given in whole kroner."""
    return {
        "document_no": document_no,
        "document_type": "invoice",
        "posting_date": posting_date,
        "customer_id": customer_id,
        "product_id": product_id,
        "quantity": quantity,
        "list_amount": list_amount,
        "discount_amount": str(int(list_amount) - int(net_amount)),
        "net_amount": net_amount,
        **other,
    }


def _cost(cost_no: str, posting_date: date, customer_id: str, cost_type: str, amount: str) -> dict[str, Any]:
    """One customer cost."""
    return {
        "cost_no": cost_no,
        "posting_date": posting_date,
        "customer_id": customer_id,
        "cost_type": cost_type,
        "amount": amount,
    }


JANUARY, FEBRUARY, APRIL = date(2026, 1, 15), date(2026, 2, 10), date(2026, 4, 30)

FEEDS: dict[str, list[dict[str, Any]]] = {
    "sales_lines": [
        # January, customer 1001: two goods lines of one order, freight, a fee, a discount line and a deposit.
        _line("F1", JANUARY, "1001", "A", "10", "1000", "900", line_no="1", cost_amount="500", order_no="O1"),
        _line("F1", JANUARY, "1001", "B", "4", "400", "400", line_no="2", order_no="O1"),
        _line("F1", JANUARY, "1001", None, "1", "60", "60", line_no="3", line_type="freight_charge"),
        _line("F1", JANUARY, "1001", None, "1", "25", "25", line_no="4", line_type="fee"),
        _line("F1", JANUARY, "1001", None, "1", "-50", "-50", line_no="5", line_type="discount"),
        _line("F1", JANUARY, "1001", None, "10", "30", "30", line_no="6", line_type="deposit"),
        # January, no line numbers; an id that is no customer, and no id at all.
        _line("F2", JANUARY, "9999", "A", "2", "200", "200", cost_amount="100"),
        _line("F2", JANUARY, None, "X", "1", "80", "80"),
        # February, customer 1002 in euro: rate of 1 February; one line carries its cost, one does not.
        _line("F3", FEBRUARY, "1002", "A", "3", "100", "90", line_no="1", cost_amount="40", currency="EUR"),
        _line("F3", FEBRUARY, "1002", "B", "2", "50", "50", line_no="2", currency="EUR"),
        # February: credit note of a January line.
        _line(
            "K1",
            FEBRUARY,
            "1001",
            "A",
            "-2",
            "-200",
            "-180",
            line_no="1",
            cost_amount="-100",
            document_type="credit_note",
            original_document_no="F1",
            original_line_no="1",
        ),
        # February: a currency without a rate.
        _line("F4", FEBRUARY, "1002", "A", "1", "70", "70", line_no="1", currency="USD"),
    ],
    "customers": [
        {"customer_id": "1001", "customer_name": "Bager Holm", "payment_terms_days": 30},
        {"customer_id": "1002", "customer_name": "Café Syd", "customer_since": date(2020, 5, 1)},
        {"customer_id": "1003", "customer_name": "Uden handel"},
    ],
    "products": [
        {"product_id": "A", "product_name": "Mel", "unit_of_measure": "sæk"},
        {"product_id": "B", "product_name": "Gær", "unit_of_measure": "kasse"},
    ],
    "product_costs": [
        {"product_id": "B", "valid_from": date(2025, 1, 1), "unit_cost": "50"},
        {"product_id": "B", "valid_from": date(2026, 2, 1), "unit_cost": "60"},
    ],
    "salespeople": [{"salesperson_id": "S1", "salesperson_name": "Sanne"}],
    "customer_costs": [
        _cost("1", JANUARY, "1001", "freight", "100"),
        _cost("2", JANUARY, "1001", "bonus", "20"),
        _cost("3", JANUARY, "1001", "marketing", "5"),
        _cost("4", JANUARY, "1001", "cash_discount", "10"),
        _cost("5", FEBRUARY, "1001", "return_handling", "15"),
        _cost("6", FEBRUARY, "1002", "commission", "7"),
        _cost("7", FEBRUARY, "1002", "bad_debt", "3"),
        _cost("8", FEBRUARY, "", "other", "2"),
    ],
    "activities": [
        {
            "activity_no": "1",
            "activity_date": JANUARY,
            "customer_id": "1001",
            "activity_type": "sales_visit",
            "quantity": "2",
        },
        {
            "activity_no": "2",
            "activity_date": JANUARY,
            "customer_id": "1001",
            "activity_type": "phone_call",
            "quantity": "5",
        },
        # April: a visit and nothing else, two months after the last posting.
        {
            "activity_no": "3",
            "activity_date": APRIL,
            "customer_id": "1002",
            "activity_type": "sales_visit",
            "quantity": "1",
        },
    ],
    "exchange_rates": [
        {"currency": "EUR", "rate_date": date(2026, 1, 1), "rate": "7.40"},
        {"currency": "EUR", "rate_date": date(2026, 2, 1), "rate": "7.45"},
        {"currency": "EUR", "rate_date": date(2026, 2, 11), "rate": "7.50"},
        {"currency": "USD", "rate_date": date(2026, 2, 11), "rate": "6.50"},
    ],
}
