"""The console script `kunderegnskab`: how its process begins and ends.

Here is only what must stand before anything else is imported, which takes half a second. The program itself
belongs in program.py.
"""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress
from typing import NoReturn

from kunderegnskab_orchestration import reserve
from kunderegnskab_orchestration.stopping import end_at_once


def command() -> NoReturn:
    """Run the program, and then end without delay.

    Python takes seconds to take the memory of a refresh apart, and it looks as if there were more to come.
    """
    end_at_once()
    reserve.keep()
    from kunderegnskab_orchestration.commands.program import main

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
