"""Hooks of company.yaml: commands and addresses that are told what came of a refresh, and what is late.

Here: what an event says, and calling a hook within its limit. Not here: when there is an event
(refresh/telling.py), what is late (publication/freshness.py). The form of an event is a promise:
docs/contracts/events.md.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from kunderegnskab.posting import NotPosted, post
from kunderegnskab.workspace import Hook, Workspace
from kunderegnskab.workspace.journal import made_by
from kunderegnskab.workspace.notes import write_text

FORMAT = 1

Kind = Literal["failed", "published", "late"]
HOOKS: dict[Kind, str] = {"failed": "on_failure", "published": "on_published", "late": "on_late"}
"""The key of company.yaml that names the hook of an event."""
_SECRET = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True)
class Event:
    """What a hook is told.

    Attributes:
        event: what it is told of.
        run_id: the run that it is about; None where none was started.
        publication: name of the publication that readers see now, None before the first.
        head: name and manifest's hash of the publication that is new, None where none is.
        problems: what went wrong, plain sentences; empty unless failed.
        warnings: checks that failed without hindering the publication, plain; empty unless published.
        late: what is late (publication/freshness.py), plain; told with every event.
        log: file with everything that the run said, None where it has none of its own.
        rejects: file with all rejected records, None where none stopped the run.
    """

    event: Kind
    run_id: str | None
    publication: str | None
    head: str | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    log: str | None = None
    rejects: str | None = None


def hook_of(workspace: Workspace, kind: Kind) -> Hook | None:
    """What company.yaml wants to be called for this kind of event.

    Raises:
        InputProblems: company.yaml cannot be read.
    """
    return getattr(workspace.company, HOOKS[kind])


def tell(workspace: Workspace, event: Event) -> str | None:
    """Call the hook of an event, if there is one; a sentence if that did not succeed.

    What came of the refresh stays what it was, and it waits for the hook's `seconds` at most.

    Raises:
        InputProblems: company.yaml cannot be read.
    """
    hook = hook_of(workspace, event.event)
    if hook is None:
        return None
    name = HOOKS[event.event]
    message = json.dumps(_message(workspace, event), ensure_ascii=False, indent=1) + "\n"
    kept = workspace.state / "hooks" / f"{name}.json"
    write_text(kept, message)  # for whoever sets up a hook, or repeats one that failed
    try:
        if hook.url is not None:
            headers = {header: _filled(value) for header, value in hook.headers.items()}
            post(_filled(hook.url), message.encode(), headers=headers, seconds=hook.seconds)
        else:
            command = [_filled(argument) for argument in hook.command]
            _run(command, message.encode(), workspace.root, hook.seconds)
    except (NotPosted, _NotDone) as error:
        return (
            f"company.yaml, {name}: the hook did not take the event ({error}); what came of the refresh "
            f"stays, and the event lies in {kept}."
        )
    return None


class _NotDone(Exception):
    """The hook could not be called, or did not do its work."""


def _message(workspace: Workspace, event: Event) -> dict[str, Any]:
    return {
        "format": FORMAT,
        **asdict(event),
        "company": workspace.company.name,
        "workspace": str(workspace.root),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": made_by(),
    }


def _filled(text: str) -> str:
    """The text with what the environment has for each `${NAME}`."""

    def value(found: re.Match[str]) -> str:
        try:
            return os.environ[found[1]]
        except KeyError:
            raise _NotDone(
                f"the environment has no {found[1]}, set it where the program is started"
            ) from None

    return _SECRET.sub(value, text)


def _run(command: list[str], event: bytes, folder: Path, seconds: float) -> None:
    """Run a command to its end, with the event as its standard input. What it prints is not kept.

    It runs in the workspace's folder. What it starts ends with it.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,  # no file: a full disk is just what may have to be told
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # What it starts is ended with it, and Ctrl-C in the terminal is not its business.
            start_new_session=True,
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
        reason = error.strerror if isinstance(error, OSError) else "it holds a sign that no command can have"
        raise _NotDone(f"it cannot be started: {reason}") from error
    try:
        process.communicate(event, timeout=seconds)  # one that does not read it is no fault
    except subprocess.TimeoutExpired:
        raise _NotDone(f"it was not done within {seconds:g} s and was ended") from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode != 0:
        raise _NotDone(f"it ended with exit code {process.returncode}")
