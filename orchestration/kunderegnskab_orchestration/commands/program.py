"""The program `kunderegnskab`: all commands, and how errors and signals become sentences.

What a command is called with and what it shows belongs in its own file; starting and ending the process in
entry.py.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from kunderegnskab.problems import InputProblems, KunderegnskabError, refusal_of
from kunderegnskab_orchestration import reserve
from kunderegnskab_orchestration.commands.check_inputs import check_inputs
from kunderegnskab_orchestration.commands.checks import checks
from kunderegnskab_orchestration.commands.close import close
from kunderegnskab_orchestration.commands.dbt import dbt
from kunderegnskab_orchestration.commands.deliver import deliver
from kunderegnskab_orchestration.commands.demo import demo
from kunderegnskab_orchestration.commands.dev import dev
from kunderegnskab_orchestration.commands.explain import explain
from kunderegnskab_orchestration.commands.init import init
from kunderegnskab_orchestration.commands.news import news
from kunderegnskab_orchestration.commands.output import complain, print_json
from kunderegnskab_orchestration.commands.purge import purge
from kunderegnskab_orchestration.commands.refresh import refresh
from kunderegnskab_orchestration.commands.report import report
from kunderegnskab_orchestration.commands.salespeople import salespeople
from kunderegnskab_orchestration.commands.sample import sample
from kunderegnskab_orchestration.commands.scenario import scenario
from kunderegnskab_orchestration.commands.serve import serve
from kunderegnskab_orchestration.commands.show import show
from kunderegnskab_orchestration.commands.statement import statement
from kunderegnskab_orchestration.commands.status import status
from kunderegnskab_orchestration.commands.user import user
from kunderegnskab_orchestration.commands.verify import verify
from kunderegnskab_orchestration.commands.visits import visits
from kunderegnskab_orchestration.stopping import listening_to_signals

app = typer.Typer(
    name="kunderegnskab",
    help="Customer accounts (kunderegnskaber): from sales and cost files to checked, published numbers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
# In the order in which the help lists them.
_COMMANDS = (
    *(init, demo, check_inputs, refresh, status, checks),
    *(serve, user, show, statement, visits, report),
    *(explain, scenario, sample, close, deliver, salespeople, purge, verify),
    *(news, dev, dbt),
)
for _command in _COMMANDS:
    if isinstance(_command, typer.Typer):
        app.add_typer(_command)
    else:
        app.command()(_command)


def main() -> None:
    """Run the command of the arguments: every expected error ends as plain sentences and exit code 1.

    Where it was told to stop, nothing else counts, whatever came of that on the way.
    """
    with listening_to_signals() as told:
        try:
            _run_command()
        except BaseException:
            reserve.give_back()
            if told.exit_code is None:
                raise
        if told.exit_code is not None:
            _give_up([told.sentence], told.exit_code)


def _run_command() -> None:
    try:
        app()
    except InputProblems as error:
        _give_up([problem.sentence() for problem in error.problems])
    except KunderegnskabError as error:
        _give_up(str(error).splitlines())
    except (OSError, MemoryError) as error:
        said = f"{getattr(error, 'filename', None) or 'A file'} cannot be used: {error}; try again."
        _give_up([refusal_of(error) or said])


def _give_up(sentences: list[str], code: int = 1) -> NoReturn:
    if "--json" in sys.argv:
        print_json({"status": "failed", "problems": sentences})
    else:
        complain(sentences)
    sys.exit(code)
