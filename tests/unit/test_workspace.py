"""company.yaml, feeds.yaml and waivers.yaml: what they may say, and how a fault in them is told.

Faults in the landing files belong in test_ingest_faults.
"""

from __future__ import annotations

import textwrap
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from small_intake import workspace_of

from kunderegnskab.problems import InputProblems
from kunderegnskab.workspace import DEFAULT_WORKSPACE, ENVIRONMENT_VARIABLE, Workspace, find_workspace

REQUIRED = "{document_no: a, document_type: b, posting_date: c, quantity: d}"
GOOD = f"sales_lines:\n  - files: a.csv\n    format: {{type: csv}}\n    columns: {REQUIRED}\n"


PUBLISHED_TO = "name: A\ncurrency: DKK\npublish: {{postgres: {{address: postgresql://a@b/c, {}}}}}\n"


def company_faults(root: Path, text: str) -> list[str]:
    (root / "company.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputProblems) as caught:
        _ = Workspace(root).company
    return [problem.sentence() for problem in caught.value.problems]


def feeds_faults(root: Path, text: str) -> list[str]:
    with pytest.raises(InputProblems) as caught:
        _ = workspace_of(root, text).sources
    return [problem.sentence() for problem in caught.value.problems]


# --- company.yaml ---------------------------------------------------------------------------------------
def test_every_company_key_but_name_and_currency_has_a_default(tmp_path):
    company = workspace_of(tmp_path).company
    assert (company.minor_unit, company.locale, company.fiscal_year_start) == (Decimal("0.01"), "da", 1)
    assert (company.credit_interest_rate, company.day_count) == (Decimal("0.06"), 365)


def test_decimals_are_read_as_they_are_written(tmp_path):
    (tmp_path / "company.yaml").write_text(
        "name: A\ncurrency: NOK\nminor_unit: 0.01\ncredit_interest_rate: 0.07\n", encoding="utf-8"
    )
    company = Workspace(tmp_path).company
    assert (company.minor_unit, company.credit_interest_rate) == (Decimal("0.01"), Decimal("0.07"))
    assert company.currency == "NOK"


def test_words_that_other_yaml_takes_for_booleans_stay_words(tmp_path):
    (tmp_path / "company.yaml").write_text("name: NO\ncurrency: DKK\n", encoding="utf-8")
    assert Workspace(tmp_path).company.name == "NO"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("currency: DKK\n", "company.yaml: the key name is missing; add name."),
        ("name: A\ncurrency: kr\n", "company.yaml: the key currency: String should match pattern '^[A-Z]{3}$', but it is 'kr'; correct it."),
        ("name: A\ncurrency: DKK\nlocale: de\n", "company.yaml: the key locale: Input should be 'da' or 'en', but it is 'de'; correct it."),
        ("name: A\ncurrency: DKK\nfiscal_year_start: 13\n", "company.yaml: the key fiscal_year_start: Input should be less than or equal to 12, but it is 13; correct it."),
        ("name: A\ncurrency: DKK\npublish: {postgres: {address: mysql://x/y}}\n", "company.yaml: the key publish.postgres.address: String should match pattern '^postgres(ql)?://', but it is 'mysql://x/y'; correct it."),
        (PUBLISHED_TO.format("readers: [{role: a, sees: team}]"), "company.yaml: the key publish.postgres.readers.0: a role that sees a salesperson's or a team's rows says of whom, and no other does; correct it."),
        (PUBLISHED_TO.format("readers: [{role: a, of: x}]"), "company.yaml: the key publish.postgres.readers.0: a role that sees a salesperson's or a team's rows says of whom, and no other does; correct it."),
        (PUBLISHED_TO.format("readers: [{role: a}, {role: a}]"), "company.yaml: the key publish.postgres: a role is listed once among readers; correct it."),
        (PUBLISHED_TO.format("schema: Mit skema"), "company.yaml: the key publish.postgres.schema: String should match pattern '^[a-z_][a-z0-9_]{0,39}$', but it is 'Mit skema'; correct it."),
        ("- a\n", "company.yaml: must hold keys with values; see docs/workspace.md for the form."),
        ("name: A\nname: B\ncurrency: DKK\n", 'company.yaml: is not valid YAML at line 2: found duplicate key "name" with value "B" (original value: "A"); correct that line.'),
    ],
)  # fmt: skip
def test_faults_in_company_yaml(tmp_path, text, sentence):
    assert company_faults(tmp_path, text) == [sentence]


def test_an_unknown_company_key_names_the_known_ones(tmp_path):
    (sentence,) = company_faults(tmp_path, "name: A\ncurrency: DKK\nvaluta: DKK\n")
    assert sentence.startswith(
        "company.yaml: the key valuta is not known; remove it, or use one of name, currency, "
    )


# --- feeds.yaml -----------------------------------------------------------------------------------------
def test_a_good_mapping_has_no_faults(tmp_path):
    (source,) = workspace_of(tmp_path, GOOD).sources
    assert (source.feed, source.label) == ("sales_lines", "feeds.yaml: sales_lines, source 1")


SOURCE = "feeds.yaml: sales_lines, source 1"


@pytest.mark.parametrize(
    ("old", "new", "start"),
    [
        ("sales_lines:", "saleslines:", "feeds.yaml: saleslines is not a feed; use one of sales_lines, customers, "),
        ("  - files", "    files", "feeds.yaml: sales_lines must be a list of sources; begin each source with a dash."),
        ("files: a.csv\n", "file: a.csv\n", f"{SOURCE}: the key files is missing; add files."),
        ("type: csv", "type: csv, delimeter: x", f"{SOURCE}: the key format.delimeter is not known; remove it, or use one of type, delimiter, quote, "),
        ("type: csv", "type: txt", f"{SOURCE}: the key format.type: Input should be 'csv', 'xlsx', 'parquet' or 'json', but it is 'txt'; correct it."),
        ("type: csv", "type: csv, delimiter: ab", f"{SOURCE}: the key format.delimiter: String should have at most 1 character, but it is 'ab'; correct it."),
        ("type: csv", 'type: csv, decimal: ",", thousands: ","', f"{SOURCE}: the key format: decimal and thousands must differ; correct it."),
        ("type: csv", 'type: csv, date: "%m.%Y"', f"{SOURCE}: the key format: date must contain the day (%d); correct it."),
        ("type: csv", 'type: csv, date: "%Y-%m-%dT%H:%M:%S%z"', f"{SOURCE}: the key format: date must not contain a time zone: moments with one, "),
        ("type: csv", "type: csv, header_row: 0", f"{SOURCE}: the key format: column_names goes with header_row: 0, and only with it; correct it."),
        ("type: csv", "type: csv, encoding: latin1", f"{SOURCE}: the key format.encoding: Input should be 'utf-8', "),
        ("quantity: d", "qty: d", f"{SOURCE}: qty is not a column of this feed; use one of document_no, line_no, "),
        (", quantity: d", "", f"{SOURCE}: the required column quantity is not mapped; map quantity to a column of the source."),
        ("    columns", "    values: {quantity: 1}\n    columns", f"{SOURCE}: quantity is mapped twice; use one of columns, expressions, values; correct it."),
        ("    columns", "    lookups: {Kunder 1: {files: b.csv, key: a, format: {type: csv}}}\n    columns", f"{SOURCE}: the lookup Kunder 1 needs a name of small letters, digits and _; correct it."),
        ("    columns", "    lookups: {k: {files: b.csv, format: {type: csv}}}\n    columns", f"{SOURCE}: the key lookups.k.key is missing; add lookups.k.key."),
        ("    columns", "    lookups: {k: {file: b.csv, key: a, format: {type: csv}}}\n    columns", f"{SOURCE}: the key lookups.k.files is missing; "),
        ("    columns", "    allow_rejects: {count: 5}\n    columns", f"{SOURCE}: the key allow_rejects.reason is missing; add allow_rejects.reason."),
        ("    columns", "    allow_rejects: {count: -1, reason: fordi}\n    columns", f"{SOURCE}: the key allow_rejects.count: Input should be greater than or equal to 0, but it is -1; correct it."),
        ("files: a.csv", "files: /data/a.csv", f"{SOURCE}: the key files: files must name files below landing/, with / between folders, but it is '/data/a.csv'; correct it."),
        ("files: a.csv", "files: ../a.csv", f"{SOURCE}: the key files: files must name files below landing/, "),
        ("files: a.csv", 'files: "**.csv"', f"{SOURCE}: the key files: ** stands for folders, "),
        (REQUIRED, "[a, b]", f"{SOURCE}: the key columns: Input should be a valid dictionary; correct it."),
        ("type: csv}", "type: csv", "feeds.yaml: is not valid YAML at line "),
        ("    format", "    nothing: " + "[" * 2000 + "]" * 2000 + "\n    format", "feeds.yaml: has more lists or keys within each other than can be read; write it as docs/workspace.md shows"),
        ("    format", "    values: {order_no: 0123}\n    format", f"{SOURCE}: the key values.order_no: Input should be a valid string: put it in quotes, or it is read as another text, but it is 0123; correct it."),
        ("    format", "    values: {order_no: 0x1F}\n    format", f"{SOURCE}: the key values.order_no: Input should be a valid string: put it in quotes, or it is read as another text, but it is 0x1F; correct it."),
        ("    format", "    values: {order_no: 1_000}\n    format", f"{SOURCE}: the key values.order_no: Input should be a valid string: put it in quotes, or it is read as another text, but it is 1_000; correct it."),
        ("    format", "\tformat", "feeds.yaml: is not valid YAML at line 3: "),
    ],
)  # fmt: skip
def test_faults_in_feeds_yaml(tmp_path, old, new, start):
    assert old in GOOD
    sentences = feeds_faults(tmp_path, GOOD.replace(old, new))
    assert sentences[0].startswith(start)
    assert not [sentence for sentence in sentences if str(tmp_path) in sentence]


def test_a_feed_without_dates_cannot_be_expected_monthly(tmp_path):
    customers = "customers:\n  - files: k.csv\n    format: {type: csv}\n    columns: {customer_id: a}\n"
    assert feeds_faults(tmp_path, f"{customers}    monthly_since: 2024-01\n") == [
        "feeds.yaml: customers, source 1: the key monthly_since: records of customers have no date, so no month of "
        "them can be missing; remove monthly_since."
    ]
    dated = GOOD + "    monthly_since: 2024-01\n"
    assert workspace_of(tmp_path, dated).sources[0].source.monthly_since == date(2024, 1, 1)


def test_every_fault_of_every_source_is_told_at_once(tmp_path):
    text = GOOD.replace("a.csv", "../a.csv") + GOOD.replace("sales_lines:", "kunder:")
    assert len(feeds_faults(tmp_path, text)) == 2


def test_a_feed_that_is_mapped_and_canonical_is_refused(tmp_path):
    workspace = workspace_of(tmp_path, GOOD, {"sales_lines.csv": "x\n"})
    with pytest.raises(InputProblems, match=r"would feed sales_lines, but feeds.yaml maps that feed too"):
        _ = workspace.sources


def test_numbers_and_booleans_may_stand_as_words(tmp_path):
    text = GOOD.replace("type: csv", "type: csv, true_words: [1, true], false_words: [0, nej]") + (
        "    values: {line_no: 1, list_amount: 0}\n"
    )
    (entry,) = workspace_of(tmp_path, text).sources
    assert entry.source.format.true_words == ("1", "true")
    assert entry.source.values == {"line_no": "1", "list_amount": "0"}


def test_policy_files_are_feeds(tmp_path):
    workspace = workspace_of(tmp_path, GOOD)
    workspace.policy.mkdir()
    (workspace.policy / "kpi_targets.csv").write_text("kpi_id\n", encoding="utf-8")
    assert [(entry.feed, entry.label) for entry in workspace.sources] == [
        ("sales_lines", SOURCE),
        ("kpi_targets", "policy/kpi_targets.csv"),
    ]


# --- waivers.yaml ---------------------------------------------------------------------------------------
def test_waivers(tmp_path):
    workspace = workspace_of(tmp_path)
    assert workspace.waivers == ()
    (tmp_path / "waivers.yaml").write_text(
        textwrap.dedent(
            """
            - {check: a_check, reason: known, person: HH, valid_to: 2024-12-31}
            """
        ),
        encoding="utf-8",
    )
    (waiver,) = Workspace(tmp_path).waivers
    assert (waiver.check, waiver.valid_to) == ("a_check", date(2024, 12, 31))


def test_a_waiver_without_a_person_is_refused(tmp_path):
    workspace = workspace_of(tmp_path)
    (tmp_path / "waivers.yaml").write_text("- {check: a, reason: fordi}\n", encoding="utf-8")
    with pytest.raises(InputProblems, match=r"waivers\.yaml: entry 1: the key person is missing; add person"):
        _ = workspace.waivers


# --- finding it -----------------------------------------------------------------------------------------
def test_the_workspace_is_the_named_one_else_the_environments_else_the_default(tmp_path, monkeypatch):
    named, other = tmp_path / "named", tmp_path / "other"
    workspace_of(named)
    workspace_of(other)
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(other))
    assert find_workspace(named).root == named
    assert find_workspace().root == other
    monkeypatch.delenv(ENVIRONMENT_VARIABLE)
    assert find_workspace().root == DEFAULT_WORKSPACE


def test_a_folder_that_is_no_workspace_is_refused(tmp_path):
    with pytest.raises(
        InputProblems, match=r"is not a workspace, it has no company\.yaml; name a workspace with"
    ):
        find_workspace(tmp_path)


def test_names_in_messages_are_relative_to_the_workspace(tmp_path):
    workspace = workspace_of(tmp_path / "a")
    assert workspace.relative(workspace.landing / "x" / "y.csv") == "landing/x/y.csv"
