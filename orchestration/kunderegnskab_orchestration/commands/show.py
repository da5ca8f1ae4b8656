"""`kunderegnskab show`: one customer's account in the terminal.

What is told of a customer belongs in kunderegnskab/reading/accounts.py, its words in
kunderegnskab/statements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.commands.options import (
    JsonOption,
    LanguageOption,
    LastMonthOption,
    WorkspaceOption,
)
from kunderegnskab_orchestration.commands.output import OUT, print_json

if TYPE_CHECKING:
    from kunderegnskab.reading.accounts import CustomerAccount
    from kunderegnskab.reading.reader import Reader
    from kunderegnskab.statements.common import Writing


def show(
    customer: Annotated[str, typer.Argument(help="Customer number.")],
    month: LastMonthOption = None,
    language: LanguageOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """One customer's account over twelve months, beside the year before, and what to do about it."""
    from kunderegnskab.months import month_of
    from kunderegnskab.reading.accounts import customer_account
    from kunderegnskab_orchestration.commands.reading import current_publication, writing_of

    with current_publication(find_workspace(workspace)) as reader:
        writing = writing_of(reader, language)
        found = customer_account(reader, customer, writing.code, month=month_of(month) if month else None)
        if as_json:
            print_json(_report(reader, found))
        else:
            _print(reader, found, writing)


def _report(reader: Reader, found: CustomerAccount) -> dict[str, Any]:
    from kunderegnskab.reading.accounts import ratio

    account = found.account
    net_sales = account.line("net_sales")
    return {
        "publication": reader.publication.name,
        "customer": found.customer,
        "first_month": f"{account.first_month:%Y-%m}",
        "month": f"{account.month:%Y-%m}",
        "is_complete": account.is_complete,
        "lines": [
            {
                "line_code": line.code,
                "column": line.column,
                "name": line.name,
                "amount": line.amount,
                "share_of_net_sales": ratio(line.amount, account.amount("net_sales")),
                "compared": line.compared,
                "compared_share_of_net_sales": ratio(
                    line.compared, net_sales.compared if net_sales else None
                ),
                "change": line.change,
            }
            for line in account.lines
        ],
        "segment": found.segment,
        "owners": [{**row, "name": reader.salesperson_name(row["salesperson_id"])} for row in found.owners],
        "actions": found.actions,
        "notes": found.notes,
        "effort": found.effort,
        "terms": found.terms,
    }


def _print(reader: Reader, found: CustomerAccount, writing: Writing) -> None:
    from rich.table import Table
    from rich.text import Text

    from kunderegnskab.statements import customer as statement

    content = statement.content(reader, found, writing)
    OUT.print(Text(content["name"], "bold"))
    OUT.print(f"{content['company']}, {content['period']}, {content['compared']}")
    OUT.print()
    facts = Table(box=None, show_header=False, pad_edge=False)
    for fact in content["facts"]:
        facts.add_row(Text(fact["label"], "dim"), Text(fact["value"]))
    OUT.print(facts)
    if found.segment is not None:
        OUT.print(found.segment[f"reason_{writing.code}"])
    OUT.print()
    account = content["account"]
    # The last column of paper is a drawing.
    lines = Table(*account["head"][:-1], box=None, pad_edge=False)
    for column in lines.columns[1:]:
        column.justify, column.no_wrap = "right", True
    for row in account["rows"]:
        look = "bold" if row["is_subtotal"] else ""
        figures = (row["amount"], row["share"], row["before"], row["change"])
        below = row["is_subtotal"] and row["is_below"]
        lines.add_row(
            Text(row["name"], look), *(Text(each, f"{look} red" if below else look) for each in figures)
        )
    OUT.print(lines)
    OUT.print()
    actions = statement.actions(found, writing, shown=None)
    OUT.print(Text(actions["title"], "bold"))
    if not actions["rows"]:
        OUT.print(actions["none"])
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(overflow="fold")
        for row in actions["rows"]:
            table.add_row(row["worth"], Text(row["text"]))
        table.add_row(Text(actions["total"], "bold"), Text(actions["total_name"], "bold"))
        OUT.print(table, soft_wrap=False)
    noted = statement.note_lines(reader, found, writing)
    if noted:
        OUT.print()
        OUT.print(Text(content["notes"], "bold"))
        for line in noted:
            OUT.print(Text(line))
    if found.effort is not None:
        OUT.print()
        OUT.print(found.effort[f"reason_{writing.code}"])
    OUT.print()
    OUT.print(Text(content["foot"]["made"], "dim"))
