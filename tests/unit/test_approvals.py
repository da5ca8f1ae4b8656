"""Whose approval a change needs: a salesperson's decision on the own portfolio, and a rule that holds for all.

The changes are found as a refresh finds them. What is noted of a change at all belongs in test_change_log.py, the check
that stops a refresh in test_quality_checks.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from change_logs import COMPANY, Company

from kunderegnskab.problems import InputProblems
from kunderegnskab.pseudonyms import PLAIN, Pseudonyms
from kunderegnskab.workspace import Company as CompanyYaml
from kunderegnskab.workspace import Workspace

SECRET = Pseudonyms("0" * 64)
SALESPEOPLE = "salesperson_id,salesperson_name,team\n007,Anna Holm,Nord\nBO,Bo Lund,Syd\n"
# Of C3 each has a part; C4 was Anna's until she handed it over; nobody owns C8.
OWNERS = """\
customer_id,salesperson_id,valid_from,valid_to,share
C1,007,2024-01-01,,1
C2,BO,2024-01-01,,1
C3,007,2024-01-01,,0.5
C3,BO,2024-01-01,,0.5
C4,007,2024-01-01,2024-12-31,1
C4,BO,2025-01-01,,1
C6,007,2024-01-01,,1
"""
OVERRIDES = "customer_id,decided_on,segment,reason,decided_by,approved_by,approved_on\n"


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """A company that asks for what is the default, published once."""
    return published(tmp_path)


def published(root: Path, pseudonyms: Pseudonyms = PLAIN, company_yaml: str = COMPANY) -> Company:
    made = Company(root, pseudonyms)
    made.write("company.yaml", company_yaml)
    made.write("landing/salespeople.csv", SALESPEOPLE)
    made.write("policy/customer_owners.csv", OWNERS)
    made.publish()
    return made


def asked(company: Company) -> dict[str, tuple[str | None, bool]]:
    """What a refresh of what is here now says of each changed record: why it needs approval, and whether it has it."""
    found = company.history(
        "select distinct feed, record_key, approval_reason, needs_approval, is_approved from audit.change_log "
        "where feed <> 'company' and after_publication = (select max(after_publication) from audit.change_log)"
    )
    for _, _, reason, needs_approval, _ in found:
        assert needs_approval == (reason is not None)
    return {f"{feed}: {key}": (reason, approved) for feed, key, reason, _, approved in found}


def decided(company: Company, *rows: str) -> None:
    company.write("policy/segment_overrides.csv", OVERRIDES + "".join(f"{row}\n" for row in rows))


def waiting(company: Company, columns: str) -> list[tuple[Any, ...]]:
    return company.history(f"select {columns} from audit.waiting_approvals order by all")


OWN, ALL = "own_portfolio", "holds_for_all"
# Policy file -> its columns, and who made records of what -> why they need somebody else's approval.
MADE: dict[str, tuple[str, Mapping[str, str | None]]] = {
    "segment_overrides": (
        "customer_id,decided_on,segment,reason,decided_by",
        {
            "C1,2025-01-01,A1,Vokser,Anna Holm": OWN,
            "C1,2025-01-02,A1,Vokser,007": OWN,
            # Spreadsheets drop zeros before digits; people write names as they like.
            "C1,2025-01-03,A1,Vokser,7": OWN,
            "C1,2025-01-04,A1,Vokser, ANNA  HOLM ": OWN,
            "C2,2025-01-01,A1,Vokser,Anna Holm": None,
            "C3,2025-01-01,A1,Vokser,Anna Holm": OWN,
            "C4,2025-01-01,A1,Vokser,Anna Holm": OWN,
            "C8,2025-01-01,A1,Vokser,Anna Holm": None,
            "C1,2025-01-05,A1,Vokser,Salgschef": None,
        },
    ),
    "adjustments": (
        "adjustment_no,month,customer_id,line_code,amount,reason,author,approved_by",
        {
            "1,2025-01-01,C2,K30,5,Fejl,bo,Salgschef": OWN,
            "2,2025-01-01,C6,K30,5,Fejl,bo,Salgschef": None,
        },
    ),
    "customer_owners": (
        OWNERS.splitlines()[0] + ",changed_by",
        {
            "C9,007,2025-01-01,,1,Anna Holm": OWN,
            "C1,BO,2025-02-01,,0.1,Anna Holm": OWN,
            "C7,BO,2026-01-01,,1,Anna Holm": None,
        },
    ),
    "budgets": (
        "month,scope_type,scope_id,segment,net_sales,changed_by",
        {
            "2025-01-01,salesperson,007,,10,Anna Holm": OWN,
            "2025-01-01,salesperson,BO,,10,Anna Holm": None,
            "2025-01-01,salesperson_segment,007,A1,10,Anna Holm": OWN,
            "2025-01-01,team,Nord,,10,Anna Holm": OWN,
            "2025-01-01,team,Syd,,10,Anna Holm": None,
            "2025-01-01,customer,C1,,10,Anna Holm": OWN,
            "2025-01-01,customer,C2,,10,Anna Holm": None,
            "2025-01-01,company,company,,10,Anna Holm": ALL,
            "2025-01-01,segment_now,A1,,10,Anna Holm": ALL,
            "2025-01-01,segment,A1,,10,Salgschef": None,
        },
    ),
    "kpi_targets": (
        "kpi_id,scope_type,scope_id,month_from,target_value,changed_by",
        {
            "dg2,salesperson_today,BO,2025-01-01,0.3,Bo Lund": OWN,
            "dg2,salesperson_today,007,2025-01-01,0.3,Bo Lund": None,
        },
    ),
    "bonus_agreements": (
        "customer_id,valid_from,tier_from,rate,changed_by",
        {"C2,2025-01-01,0,0.02,Anna Holm": ALL, "C2,2025-02-01,0,0.02,Salgschef": None},
    ),
    "cost_pools": (
        "cost_pool_id,valid_from,ladder_line,method,driver,changed_by",
        {"salg,2025-01-01,K56,proportional,visits,Anna Holm": ALL},
    ),
    "segment_rules": (
        "rule_version,axis,class_code,valid_from,method,threshold_from,changed_by",
        {"2025-1,size,A,2025-01-01,absolute,5,Bo Lund": ALL, "2025-1,size,B,2025-01-01,absolute,,Controller": None},
    ),
}  # fmt: skip


@pytest.mark.parametrize("pseudonyms", [PLAIN, SECRET], ids=["plain keys", "pseudonyms"])
def test_a_salesperson_needs_another_for_what_is_the_own_portfolio_and_for_rules_of_all(
    tmp_path: Path, pseudonyms: Pseudonyms
) -> None:
    company = published(tmp_path, pseudonyms)
    for feed, (columns, rows) in MADE.items():
        kept = "".join(f"{row},\n" for row in OWNERS.splitlines()[1:]) if feed == "customer_owners" else ""
        company.write(f"policy/{feed}.csv", f"{columns}\n{kept}" + "".join(f"{row}\n" for row in rows))
    found: dict[str, dict[int, str | None]] = {}
    for feed, record, reason in company.history(
        "select distinct feed, source_record, approval_reason from audit.change_log where change = 'added'"
    ):
        found.setdefault(feed, {})[record] = reason
    for feed, (_, rows) in MADE.items():
        before = OWNERS.count("\n") - 1 if feed == "customer_owners" else 0
        assert found[feed] == {before + number: why for number, why in enumerate(rows.values(), 1)}, feed


def test_a_pseudonym_names_its_salesperson(tmp_path: Path) -> None:
    """Whoever decides may only ever have seen that in the reports."""
    company = published(tmp_path, SECRET)
    decided(company, f"C1,2025-01-01,A1,Vokser,{SECRET.of('007')},,")
    ((reason, is_approved),) = asked(company).values()
    assert (reason, is_approved) == (OWN, False)


def test_code_and_name_of_a_salesperson_are_one_person_who_approves_nothing_of_the_own(
    tmp_path: Path,
) -> None:
    company = published(tmp_path, SECRET)
    approvers = {"": False, "007": False, "anna holm": False, "Bo Lund": True, "Salgschef": True}
    days = {f"2025-01-0{number}": approver for number, approver in enumerate(approvers, 1)}
    decided(company, *(f"C1,{day},A1,Vokser,Anna Holm,{each},2025-01-09" for day, each in days.items()))
    assert asked(company) == {
        f"segment_overrides: customer_id C1, decided_on {day}": (OWN, approvers[each])
        for day, each in days.items()
    }
    assert len(waiting(company, "feed")) == 3


def test_the_other_name_of_who_approved_last_is_no_new_approval(company: Company) -> None:
    decided(company, "C1,2025-01-01,A1,Vokser,Anna Holm,Bo Lund,2025-01-02")
    company.publish()
    decided(company, "C1,2025-01-01,B1,Vokser,Anna Holm,BO,2025-01-02")
    assert waiting(company, "what_changed") == [("segment A1 -> B1",)]


def test_nobody_escapes_by_leaving_the_list_or_the_portfolio_with_the_same_change(company: Company) -> None:
    decided(company, "C1,2025-01-01,A1,Vokser,Anna Holm,,")
    company.write("landing/salespeople.csv", SALESPEOPLE.replace("007,Anna Holm,Nord\n", ""))
    company.write("policy/customer_owners.csv", OWNERS.replace("C1,007", "C1,BO"))
    assert asked(company)["segment_overrides: customer_id C1, decided_on 2025-01-01"] == (OWN, False)


def test_who_takes_the_own_name_off_a_record_has_made_it_and_a_removal_names_nobody(company: Company) -> None:
    columns = "month,scope_type,scope_id,net_sales,changed_by,approved_by\n"
    company.write("policy/budgets.csv", columns + "2025-01-01,salesperson,007,10,Anna Holm,Salgschef\n")
    company.publish()
    company.write("policy/budgets.csv", columns + "2025-01-01,salesperson,007,9,,Salgschef\n")
    assert list(asked(company).values()) == [(OWN, False)]
    ((sentence,),) = waiting(company, "sentence_en")
    assert "somebody whom the record does not name has changed" in sentence
    company.write("policy/budgets.csv", columns)
    assert waiting(company, "feed") == []
    company.write("company.yaml", COMPANY + "approval: required\n")
    assert waiting(company, "change, approval_reason") == [("removed", "every_change")]


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        ("none", "none", None),
        ("own_portfolio", "none", OWN),
        ("none", "own_portfolio", OWN),
        ("required", "own_portfolio", "every_change"),
    ],
)
def test_the_stricter_of_then_and_now_is_asked(
    tmp_path: Path, before: str, now: str, reason: str | None
) -> None:
    company = published(tmp_path, company_yaml=f"{COMPANY}approval: {before}\n")
    company.write("company.yaml", f"{COMPANY}approval: {now}\n")
    decided(company, "C1,2025-01-01,A1,Vokser,Anna Holm,,")
    assert list(asked(company).values()) == [(reason, False)]


def test_a_feed_that_an_earlier_version_was_told_to_guard_is_guarded_once_more(company: Company) -> None:
    assert company.earlier is not None
    then = json.loads(company.earlier.manifest.canonical())
    del then["parameters"]["company"]["approval"]
    then["parameters"]["company"]["approval_required"] = ["segment_overrides"]
    manifest = type(company.earlier.manifest).model_validate(then)
    company.earlier = replace(company.earlier, manifest=manifest)
    company.write("company.yaml", COMPANY + "approval: none\n")
    decided(company, "C2,2025-01-01,A1,Vokser,Salgschef,,")
    assert list(asked(company).values()) == [("every_change", False)]


def test_what_was_published_under_a_waiver_waits_until_it_is_approved(company: Company) -> None:
    decided(company, "C1,2025-01-01,A1,Vokser,Anna Holm,,", "C2,2025-01-01,A1,Vokser,Salgschef,,")
    columns = "record_key, is_new, after_publication"
    key = "customer_id C1, decided_on 2025-01-01"
    assert waiting(company, columns) == [(key, True, "0001-earlier")]
    company.publish()
    assert waiting(company, columns) == [(key, False, "0001-earlier")]
    # Another change of the record takes its place.
    decided(company, "C1,2025-01-01,A2,Vokser,Anna Holm,,")
    assert waiting(company, columns) == [(key, True, "0002-earlier")]
    decided(company, "C1,2025-01-01,A1,Vokser,Anna Holm,Salgschef,2025-02-12")
    assert waiting(company, columns) == []
    company.publish()
    assert waiting(company, columns) == []


def test_what_waits_is_told_in_a_sentence(company: Company) -> None:
    decided(company, "C1,2025-01-01,A1,Vokser,Anna Holm,,")
    company.publish()
    decided(company, "C1,2025-01-01,A2,Vokser,Anna Holm,,")
    company.rules("15000.5", changed_by="Bo Lund")
    told = dict(waiting(company, "feed, sentence_en"))
    assert told == {
        "segment_overrides": "segment_overrides, customer_id C1, decided_on 2025-01-01: Anna Holm has changed "
        "segment A1 -> A2, and it concerns the own portfolio of Anna Holm, so somebody else must approve it, with name "
        "in approved_by and day in approved_on.",
        "segment_rules": "segment_rules, rule_version 2024-1, axis size, class_code A: Bo Lund has changed "
        "threshold_from 20000 -> 15000.5, and it holds for all customers, those of Bo Lund among them, so somebody "
        "else must approve it, with name in approved_by and day in approved_on.",
    }
    ((danish,), _) = waiting(company, "sentence_da")
    assert danish == (
        "segment_overrides, customer_id C1, decided_on 2025-01-01: Anna Holm har ændret segment A1 -> A2, og det angår "
        "Anna Holms egen portefølje, så en anden skal godkende det med navn i approved_by og dag i approved_on."
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "approval_required: [segment_rules]",
            "company.yaml: approval_required is no key any more; write approval: required, which asks for",
        ),
        (
            "approval: all",
            "company.yaml: the key approval: Input should be 'required', 'own_portfolio' or 'none', but it is 'all'",
        ),
    ],
)
def test_what_company_yaml_cannot_ask_for_is_refused(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "company.yaml").write_text(f"{COMPANY}{line}\n", encoding="utf-8")
    with pytest.raises(InputProblems) as refused:
        _ = Workspace(tmp_path).company
    assert str(refused.value).startswith(said)


def test_what_a_publication_recorded_before_is_read_still() -> None:
    then = {"company": {"name": "Lille Engros A/S", "currency": "DKK", "approval_required": []}}
    assert CompanyYaml.recorded(then).approval == "own_portfolio"


def test_a_decision_on_a_chain_is_about_every_outlet_of_it(tmp_path: Path) -> None:
    """Bo owns C2, two levels below C8, whom nobody owns; where customers are classed one by one, C8 is its own."""
    by_chain = COMPANY + "segment_level: chain\n"
    for level, reason in ((COMPANY, None), (by_chain, OWN)):
        root = tmp_path / str(reason)
        company = published(root, company_yaml=level)
        company.write("landing/customers.csv", "customer_id,parent_customer_id\nC8,\nC5,C8\nC2,C5\nC1,C1\n")
        decided(company, "C8,2025-01-01,A1,Vokser,Bo Lund,,", "C1,2025-01-01,A1,Vokser,Bo Lund,,")
        found = asked(company)
        assert found["segment_overrides: customer_id C8, decided_on 2025-01-01"] == (reason, False)
        assert found["segment_overrides: customer_id C1, decided_on 2025-01-01"] == (None, False)
