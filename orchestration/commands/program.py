"""The program `kunderegnskab`: all commands, and how it ends.

What a command is called with and what it shows belongs in its own file.
"""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress
from typing import NoReturn

import typer

from kunderegnskab.problems import InputProblems, KunderegnskabError
from orchestration.commands.check_inputs import check_inputs
from orchestration.commands.checks import checks
from orchestration.commands.close import close
from orchestration.commands.demo import demo
from orchestration.commands.explain import explain
from orchestration.commands.init import init
from orchestration.commands.output import complain, print_json
from orchestration.commands.purge import purge
from orchestration.commands.refresh import refresh
from orchestration.commands.salespeople import salespeople
from orchestration.commands.sample import sample
from orchestration.commands.status import status
from orchestration.commands.stopping import listening_to_signals
from orchestration.commands.verify import verify

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
    *(explain, sample, close, salespeople, purge, verify),
)
for _command in _COMMANDS:
    app.command()(_command)


def command() -> NoReturn:
    """The console script: `main`, and then an end without delay.

    Python takes seconds to take the memory of a refresh apart, and it looks as if there were more to come.
    """
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    atexit._run_exitfuncs()
    with suppress(BrokenPipeError):  # who reads our output has had enough
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Run the command of the arguments: every expected error ends as plain sentences and exit code 1.

    Where it was told to stop, nothing else counts, whatever came of that on the way.
    """
    with listening_to_signals() as told:
        try:
            _run_command()
        except BaseException:
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
    except OSError as error:
        _give_up([f"{error.filename or 'A file'} cannot be used: {error.strerror}; try again."])


def _give_up(sentences: list[str], code: int = 1) -> NoReturn:
    if "--json" in sys.argv:
        print_json({"status": "failed", "problems": sentences})
    else:
        complain(sentences)
    sys.exit(code)
