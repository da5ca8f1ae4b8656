"""Cases from the field about whole files: signs of a source, numbers used again, lines twice, files not read.

What must come out of each stands beside its files. Their parts are tested in tests/unit (test_quality_signs,
test_ingest_nothing_silent, test_ingest_unread).
"""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

from field_cases import field_case
from quick import Project, quickly, refreshed_quickly
from running import rows

SIGNS = "door__sales_lines__signs_are_those_of_the_contract"


def case(name: str, folder: Path) -> Path:
    """A copy of a case, to be changed."""
    return shutil.copytree(field_case(name), folder / name)


def edit(workspace: Path, *changes: tuple[str, str]) -> None:
    """Change feeds.yaml; each text must stand in it."""
    path = workspace / "feeds.yaml"
    content = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in content, old
        content = content.replace(old, new)
    path.write_text(content, encoding="utf-8")


def test_positive_credit_notes_are_blocked_by_name_and_right_once_turned(project: Project, tmp_path: Path):
    workspace = case("02-positive-credit-memos", tmp_path)
    done = quickly(project, "refresh", "--workspace", workspace)
    assert done.code == 1
    assert f"The check {SIGNS} failed (3 rows)" in done.err
    assert (
        "_source_file=landing/kreditnotalinjer.csv, document_type=credit_note, column_name=net_amount"
        in done.err
    )
    assert "fakturalinjer.csv" not in done.err
    turned = {"quantity": "Antal", "net_amount": "Beløb", "cost_amount": "Kostbeløb"}
    kept = "{document_no: Bilagsnr., line_no: Linjenr., posting_date: Bogføringsdato, customer_id: Debitornr., product_id: Nummer, discount_amount: Rabatbeløb}"
    expressions = ", ".join(f"""{name}: '-number("{column}")'""" for name, column in turned.items())
    edit(workspace, ("columns: *c", f"columns: {kept}\n    expressions: {{{expressions}}}"))
    refreshed_quickly(project, workspace)
    assert rows(
        workspace,
        "select sum(invoiced_sales), sum(returns), sum(cogs), sum(db1) from marts.customer_accounts",
    ) == [(Decimal(23000), Decimal(2000), Decimal(12600), Decimal(8400))]


def test_numbers_used_again_are_refused_until_an_expression_makes_them_unique(
    project: Project, tmp_path: Path
):
    workspace = case("04-reused-numbers", tmp_path)
    done = quickly(project, "refresh", "--workspace", workspace)
    assert done.code == 1
    # One sentence for records that fail alike; what each of them repeats stands in the list.
    assert "landing/salg.csv, column document_no, line_no: 3 records of 6, 3, 4, 6: " in done.err
    assert "repeats the key of landing/salg.csv, record 1, but differs in document_type, " in done.err
    listed = (workspace / "state" / "rejects.csv").read_text(encoding="utf-8")
    for first, differs in ((1, "document_type, "), (1, "posting_date, "), (5, "salesperson_id")):
        assert f"repeats the key of landing/salg.csv, record {first}, but differs in {differs}" in listed
    assert "make the key unique with an expression in feeds.yaml" in done.err
    edit(
        workspace,
        ("{document_no: Nr, line_no", "{line_no"),
        ("expressions:", """expressions:
      document_no: substr("Type", 1, 1) || '-' || substr("Dato", 7, 4) || '-' || "Nr\""""),
    )  # fmt: skip
    done = quickly(project, "check-inputs", "--json", "--workspace", workspace)
    assert [sentence.split(": ")[0] for sentence in done.json["problems"]] == [
        "landing/salg.csv, record 6, column document_no, line_no"
    ]


def test_several_of_these_in_one_company(project: Project, tmp_path: Path):
    workspace = case("09-combined", tmp_path)
    done = quickly(project, "refresh", "--workspace", workspace)
    assert done.code == 1
    # Another file's credit notes are right, and larger.
    assert f"The check {SIGNS} failed (3 rows)" in done.err
    assert done.err.count("landing/kreditnotalinjer.csv") == 3
    assert "_source_file=landing/salg.csv" not in done.err


def test_files_that_no_mapping_reads_are_named_by_refresh_and_check(project: Project, tmp_path: Path):
    workspace = case("15-file-names", tmp_path)
    named = ["landing/SALG_2025-02.CSV", "landing/salg_2025-04.csv.txt"]
    report = refreshed_quickly(project, workspace)
    assert [sentence.split(": ")[0] for sentence in report["unread"]] == named
    checked = quickly(project, "check-inputs", "--json", "--workspace", workspace)
    assert "unused_files" not in checked.json
    assert checked.json["unread"] == report["unread"]
    assert rows(workspace, "select sum(net_sales) from marts.customer_accounts") == [(Decimal(2000),)]
