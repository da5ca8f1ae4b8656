"""Values that hardly can be meant are told as warnings, with file, record and what to do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from small_intake import taken, workspace_of, write_files

from kunderegnskab.quality.door import run_door

SALES = (
    "document_no,line_no,document_type,posting_date,product_id,quantity,unit_of_measure,net_amount,"
    "discount_amount,original_document_no,original_line_no\n"
    "F1,1,invoice,2025-01-10,P,10,STK,1000,0,,\n"
)


def doubtful(
    root: Path, feed: str, files: dict[str, str | bytes], policy: dict[str, str | bytes]
) -> list[str]:
    """What the door says of the feed."""
    workspace = workspace_of(root, files={"sales_lines.csv": SALES, **files})
    write_files(workspace.policy, policy)
    result = taken(workspace)
    (check,) = [
        each
        for each in run_door(result.con, [feed], date(2025, 6, 30))
        if each.check_name == f"door__{feed}__values_are_plausible"
    ]
    assert not check.is_blocking
    assert check.status == ("failed" if check.failing_sql else "passed")
    if not check.failing_sql:
        return []
    return [f"{file}, {record}: {problem}" for file, _, record, problem in result.rows(check.failing_sql)]


BONUS = "customer_id,valid_from,valid_to,tier_from,rate\n"
TERMS = "valid_from,interest_rate,day_count\n"


@pytest.mark.parametrize(
    ("feed", "content", "said"),
    [
        ("bonus_agreements", f"{BONUS}A,2025-01-01,,0,2\nB,2025-01-01,,0,1\n", "1: rate 2.00000000 is 200"),
        ("bonus_agreements", f"{BONUS}A,2025-01-01,,0,-0.02\n", "1: rate -0.02000000 is -2"),
        ("bonus_agreements", f"{BONUS}A,2025-06-01,2025-01-01,0,0.02\n", "1: valid_to 2025-01-01 comes before"),
        ("credit_terms", f"{TERMS}2025-01-01,6,365\n", "1: interest_rate 6.00000000 is 600"),
        ("credit_terms", f"{TERMS}2025-01-01,0.06,365\n2025-02-01,7.5,365\n", "2: interest_rate 7.5"),
        ("bonus_agreements", f"{BONUS}A,2025-01-01,2025-01-01,0,0.02\n", None),
        ("credit_terms", f"{TERMS}2025-01-01,0.06,365\n", None),
    ],
)  # fmt: skip
def test_rates_and_dates_of_agreements(tmp_path: Path, feed: str, content: str, said: str | None) -> None:
    found = doubtful(tmp_path, feed, {}, {f"{feed}.csv": content})
    assert [each.startswith(f"policy/{feed}.csv, {said}") for each in found] == ([True] if said else [])


@pytest.mark.parametrize(
    ("paid", "is_named"),
    [("2005-06-30", True), ("2023-12-31", True), ("2024-12-22", False), ("2025-03-01", False), ("", False)],
)
def test_a_payment_years_before_the_invoice(tmp_path: Path, paid: str, is_named: bool) -> None:
    content = f"document_no,customer_id,invoice_date,paid_date,amount\nD1,A,2025-01-01,{paid},100\n"
    found = doubtful(tmp_path, "receivables", {"receivables.csv": content}, {})
    assert found == (
        [
            f"landing/receivables.csv, 1: paid_date {paid} lies more than a year before invoice_date 2025-01-01; "
            "correct one of the two, or how the mapping reads them"
        ]
        if is_named
        else []
    )


@pytest.mark.parametrize(
    ("row", "is_named"),
    [("P,STK,24", True), ("Q,KG,0.5", True), ("P,STK,1", False), ("P,KS,24", False), ("R,STK,24", False)],
)
def test_a_conversion_of_the_own_unit(tmp_path: Path, row: str, is_named: bool) -> None:
    products = "product_id,product_name,unit_of_measure\nP,a,STK\nQ,b,KG\nR,c,\n"
    policy: dict[str, str | bytes] = {"unit_conversions.csv": f"product_id,unit_of_measure,factor\n{row}\n"}
    found = doubtful(tmp_path, "unit_conversions", {"products.csv": products}, policy)
    assert [each.startswith("policy/unit_conversions.csv, 1: factor ") for each in found] == [True] * is_named


def back(number: int, quantity: str, line: str = "1", product: str = "P", unit: str = "STK") -> str:
    return f"K{number},1,credit_note,2025-02-10,{product},{quantity},{unit},-1,0,F1,{line}\n"


@pytest.mark.parametrize(
    ("returns", "records"),
    [
        ([back(1, "-6"), back(2, "-6")], [2, 3]),
        ([back(1, "-10.5")], [2]),
        ([back(1, "-6"), back(2, "-4", line="2"), back(3, "-5")], [2, 4]),
        ([back(1, "-6"), back(2, "-4")], []),
        ([back(1, "-12", line="2")], []),
        ([back(1, "-12", product="Q")], []),
        ([back(1, "-12", unit="G")], []),
    ],
    ids=["together", "at once", "not the other line's", "all of it", "no line", "other goods", "other unit"],
)
def test_more_comes_back_than_was_sold(tmp_path: Path, returns: list[str], records: list[int]) -> None:
    files: dict[str, str | bytes] = {"sales_lines.csv": SALES + "".join(returns)}
    found = doubtful(tmp_path, "sales_lines", files, {})
    assert [int(each.split(": ")[0].rsplit(", ", 1)[1]) for each in found] == records
    assert all("more than line 1 of document F1 sold" in each for each in found)


def links(root: Path, feed: str, files: dict[str, str | bytes]) -> list[str]:
    """The records of the feed whose links find nothing, and what is said of them."""
    result = taken(workspace_of(root, files={"sales_lines.csv": SALES, **files}))
    (check,) = [
        each
        for each in run_door(result.con, [feed], date(2025, 6, 30))
        if each.check_name == f"door__{feed}__links_are_found"
    ]
    assert not check.is_blocking
    assert check.status == ("failed" if check.failing_sql else "passed"), check.detail
    rows = result.rows(check.failing_sql) if check.failing_sql else []
    return [f"{record}: {problem}" for _, _, record, problem in rows]


@pytest.mark.parametrize(
    ("document", "line", "said"),
    [
        ("F1", "01", "but line 1 of document F1 is; write them alike"),
        ("f1", "1", "but line 1 of document F1 is; write them alike"),
        ("F 1", "1.0", "but line 1 of document F1 is; write them alike"),
        ("F9", "1", "; correct original_document_no or original_line_no, or deliver the invoice"),
        ("F1", "2", "; correct original_document_no or original_line_no, or deliver the invoice"),
        ("F1", "1", None),
        ("", "", None),
        ("F9", "", None),
    ],
)
def test_a_return_of_a_line_that_is_not_there(
    tmp_path: Path, document: str, line: str, said: str | None
) -> None:
    header = SALES.splitlines()[0].replace(",original", ",cost_amount,original", 1)
    sale = "F1,1,invoice,2025-01-10,P,10,STK,1000,0,500,,\n"
    content = f"{header}\n{sale}K1,1,credit_note,2025-02-10,P,-4,STK,-400,0,,{document},{line}\n"
    found = links(tmp_path, "sales_lines", {"sales_lines.csv": content})
    assert [each.partition(said or ",")[1] for each in found] == ([said] if said else [])
    for each in found:
        assert each.startswith(f"2: line {line} of document {document} is no invoice line that sold goods")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("d14", ", but D14 is; write them alike by an expression in feeds.yaml"),
        ("D 014", ", but D14 is; write them alike by an expression in feeds.yaml"),
        ("D15", "; correct document_no, or deliver the receivable"),
        ("D14", None),
        ("", None),
    ],
)
def test_a_bad_debt_of_a_document_that_is_not_there(tmp_path: Path, document: str, said: str | None) -> None:
    costs = f"cost_no,posting_date,customer_id,cost_type,amount,document_no\n1,2025-02-10,A,bad_debt,5,{document}\n"
    owed = "document_no,customer_id,invoice_date,amount\nD14,A,2025-01-01,5\n"
    problem = f"1: document_no {document} of the bad debt is no document of receivables{said}"
    found = links(tmp_path / "owed", "customer_costs", {"customer_costs.csv": costs, "receivables.csv": owed})
    assert found == ([problem] if said else [])
    assert links(tmp_path / "none", "customer_costs", {"customer_costs.csv": costs}) == []
