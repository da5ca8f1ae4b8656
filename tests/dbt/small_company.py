"""A small company with one of every case the account has rules for, and a ledger that ties to it.

Expected numbers belong in the tests. Amounts are chosen so that they can be checked by hand: a receivable of 1825
costs 0.30 of credit a day (6 % of 365 days), one of 1460 costs 0.24, one of 365 costs 0.06. There are no credit
terms of the company's own: the test of whole credit times asks only where company.yaml applies throughout.
"""

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
    "analysis_months": 25,
    "pvm_leaf": "product",
    "benchmark_minimum_customers": 1,
    "segment_level": "customer",
    "rates": "actual",
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


def _cost(
    cost_no: str, posting_date: date, customer_id: str, cost_type: str, amount: str, **other: Any
) -> dict[str, Any]:
    """One customer cost."""
    return {
        "cost_no": cost_no,
        "posting_date": posting_date,
        "customer_id": customer_id,
        "cost_type": cost_type,
        "amount": amount,
        **other,
    }


def _entry(
    entry_no: str,
    posting_date: date,
    account_no: str,
    amount: str,
    document_no: str | None = None,
    **other: Any,
) -> dict[str, Any]:
    """One ledger entry; debit is positive."""
    return {
        "entry_no": entry_no,
        "posting_date": posting_date,
        "account_no": account_no,
        "amount": amount,
        "document_no": document_no,
        **other,
    }


def _pool(cost_pool_id: str, pool_name: str, ladder_line: str, method: str, **other: Any) -> dict[str, Any]:
    """One cost pool that is in force from the company's first month."""
    return {
        "cost_pool_id": cost_pool_id,
        "valid_from": date(2026, 1, 1),
        "pool_name": pool_name,
        "ladder_line": ladder_line,
        "method": method,
        **other,
    }


def _time(activity_type: str, minutes_per_unit: str, **other: Any) -> dict[str, Any]:
    """How long one unit of an activity takes in the order office."""
    return {
        "cost_pool_id": "ordrekontor",
        "activity_type": activity_type,
        "valid_from": date(2026, 1, 1),
        "minutes_per_unit": minutes_per_unit,
        **other,
    }


JANUARY, FEBRUARY, MARCH, APRIL = date(2026, 1, 15), date(2026, 2, 10), date(2026, 3, 31), date(2026, 4, 30)

FEEDS: dict[str, list[dict[str, Any]]] = {
    "sales_lines": [
        # January, customer 1001: two goods lines of one order, freight, a fee, a discount line and a deposit.
        _line("F1", JANUARY, "1001", "A", "10", "1000", "900", line_no="1", cost_amount="500", order_no="O1"),
        _line("F1", JANUARY, "1001", "B", "4", "400", "400", line_no="2", order_no="O1"),
        _line("F1", JANUARY, "1001", None, "1", "60", "60", line_no="3", line_type="freight_charge"),
        _line("F1", JANUARY, "1001", None, "1", "25", "25", line_no="4", line_type="fee"),
        _line("F1", JANUARY, "1001", None, "1", "-50", "-50", line_no="5", line_type="discount"),
        _line("F1", JANUARY, "1001", None, "10", "30", "30", line_no="6", line_type="deposit"),
        # January, no line numbers; blanks for a customer, and nothing at all with a product that is not in the list.
        _line("F2", JANUARY, " ", "A", "2", "200", "200", cost_amount="100"),
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
        {
            "customer_id": "1002",
            "customer_name": "Café Syd",
            "customer_since": date(2020, 5, 1),
            "customer_group": "Café",
        },
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
        # The ledger books this commission in April, under the same document number.
        _cost("6", FEBRUARY, "1002", "commission", "7", document_no="P1"),
        # The document F0, given up as lost.
        _cost("7", FEBRUARY, "1002", "bad_debt", "3", document_no="F0"),
        # Of a customer that is not in the list.
        _cost("8", FEBRUARY, "1009", "other", "2"),
        _cost("9", FEBRUARY, "1001", "return_write_down", "30"),
        # The bonus of the agreement below is settled in its last month, with more than it accrued.
        _cost("10", APRIL, "1001", "bonus", "25", settles_month=date(2026, 4, 1)),
    ],
    # 2 % of everything sold in four months, 3 % from sales of 4000. The first bonus (cost 2) settles the year before.
    "bonus_agreements": [
        {
            "customer_id": "1001",
            "valid_from": date(2026, 1, 1),
            "valid_to": date(2026, 4, 30),
            "tier_from": tier_from,
            "rate": rate,
        }
        for tier_from, rate in (("0", "0.02"), ("4000", "0.03"))
    ],
    "receivables": [
        {
            "document_no": document_no,
            "customer_id": customer_id,
            "invoice_date": invoice_date,
            "due_date": due_date,
            "paid_date": paid_date,
            "amount": amount,
        }
        for document_no, customer_id, invoice_date, due_date, paid_date, amount in (
            # 30 days of credit, 17 of them in January; a credit note for 4 days; an invoice that is still open.
            ("F1", "1001", JANUARY, FEBRUARY, date(2026, 2, 14), "1825"),
            ("K1", "1001", FEBRUARY, None, date(2026, 2, 14), "-365"),
            ("F3", "1002", FEBRUARY, MARCH, None, "1460"),
            # Given up as lost on its own day: 3 and its VAT.
            ("F0", "1002", FEBRUARY, None, None, "3.75"),
        )
    ],
    "cost_pools": [
        # 100 minutes a month. Own vans, visits and the campaign are not measured in minutes.
        _pool("ordrekontor", "Ordrekontor", "K55", "capacity", practical_capacity_minutes="100"),
        _pool("fragt", "Egne varevogne", "K55", "proportional", driver="order_lines"),
        _pool("besoeg", "Kundebesøg", "K56", "proportional", driver="visits"),
        _pool("kampagne", "Kampagne", "K70", "proportional"),
    ],
    "activity_times": [
        _time("order", "10"),
        _time("order_line", "2"),
        _time("order", "15", applies_to="customer_group=Café"),
    ],
    "adjustments": [
        {
            "adjustment_no": "J1",
            "month": date(2026, 2, 1),
            "customer_id": "1002",
            "line_code": "K35",
            "amount": "12",
            "reason": "Svind på leverancen",
            "author": "Bo Holm",
            "approved_by": "Ida Lund",
        }
    ],
    "ladder_lines": [{"line_code": "K60", "name_da": "Kunderesultat", "name_en": "Customer result"}],
    "ledger_accounts": [
        {"account_no": account_no, "account_name": account_name, "account_role": account_role}
        for account_no, account_name, account_role in (
            ("1010", "Varesalg", "K00"),
            ("1020", "Rabat", "K05"),
            ("1030", "Kreditnotaer", "K15"),
            ("1040", "Bonus", "K20"),
            ("1050", "Kontantrabat", "K25"),
            ("2010", "Vareforbrug", "K35"),
            ("3010", "Fragt", "K45"),
            ("3020", "Returhåndtering", "K46"),
            ("3030", "Provision og tab", "K47"),
            ("4010", "Løn, ordrekontor", "pool:ordrekontor"),
            ("4020", "Varevogne", "pool:fragt"),
            ("4030", "Løn, sælgere", "pool:besoeg"),
            ("4040", "Kampagner", "pool:kampagne"),
            ("5010", "Administration", "K80"),
            ("6010", "Debitorer", "receivables"),
            ("6020", "Bank", "outside"),
        )
    ],
    "ledger_entries": [
        _entry("1", JANUARY, "1010", "-1705"),
        _entry("2", JANUARY, "1020", "150"),
        _entry("3", JANUARY, "1040", "25"),
        _entry("4", JANUARY, "1050", "10"),
        _entry("5", JANUARY, "2010", "800"),
        # The carrier's bill, and what of it the customer was charged.
        _entry("6", JANUARY, "3010", "100"),
        _entry("7", JANUARY, "3010", "-60"),
        _entry("8", JANUARY, "4010", "300"),
        _entry("9", JANUARY, "4020", "50.01"),
        _entry("10", JANUARY, "4030", "90"),
        _entry("11", JANUARY, "4040", "70"),
        _entry("12", JANUARY, "5010", "40"),
        _entry("13", JANUARY, "6010", "1825"),
        # The invoice in euro at January's rate of 7.40, where the account takes the day's 7.45.
        _entry("14", FEBRUARY, "1010", "-1110", "F3"),
        _entry("15", FEBRUARY, "1020", "74", "F3"),
        _entry("16", FEBRUARY, "1030", "180"),
        _entry("17", FEBRUARY, "2010", "348"),
        _entry("18", FEBRUARY, "3020", "15"),
        _entry("19", FEBRUARY, "3030", "5"),
        _entry("20", FEBRUARY, "4010", "250.10"),
        _entry("21", FEBRUARY, "4030", "45"),
        # The control account: invoices 1460 - 365 + 3.75, payments 1825 - 365, the loss with its VAT.
        _entry("22", FEBRUARY, "6010", "1098.75"),
        _entry("23", FEBRUARY, "6010", "-1460"),
        _entry("24", FEBRUARY, "6010", "-3.75"),
        _entry("25", FEBRUARY, "6020", "1460"),
        # A currency without a rate, as the sales line of F4.
        _entry("26", FEBRUARY, "1010", "-70", "F4", currency="USD"),
        _entry("27", MARCH, "4010", "300"),
        _entry("28", APRIL, "1040", "25"),
        _entry("29", MARCH, "3030", "7", "P1"),
        _entry("30", APRIL, "4030", "33"),
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
