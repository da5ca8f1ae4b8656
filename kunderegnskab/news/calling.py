"""Calling those whom company.yaml names for an event, each within its limit and all within one.

Here: which channels an event goes to, and what is said where one does not take it. Not here: what an event
says (events.py, words.py), and when there is one (refresh/telling.py).
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from pydantic import BaseModel

from kunderegnskab.environment import NotInEnvironment, filled
from kunderegnskab.mailing import Server, send
from kunderegnskab.news.events import HOOK_OF, Event, Kind, as_json
from kunderegnskab.news.forms import as_mail, for_slack, for_teams
from kunderegnskab.news.words import Message, message_of
from kunderegnskab.posting import NotPosted, post
from kunderegnskab.problems import one_line, quoted
from kunderegnskab.workspace import Channel, Mail, Workspace
from kunderegnskab.workspace.company import is_address
from kunderegnskab.workspace.notes import read_note, write_note, write_text

# How long all channels together may hold up a refresh that has ended, and the look of a sensor, which Dagster
# gives a minute.
TOGETHER_SECONDS = 45


@dataclass(frozen=True)
class Receiver:
    """A channel as the one that is told of a kind of event.

    Attributes:
        name: its name among the channels; of one that a hook has for itself, the hook's.
        hook: the key of company.yaml that asks for it; None where it is tested.
        is_named: whether it stands among the channels.
    """

    name: str
    hook: str | None
    channel: Channel
    is_named: bool

    @property
    def shown(self) -> str:
        """Where it stands in company.yaml, and which it is."""
        who = f"the channel {quoted(self.name)}" if self.is_named else "the hook"
        return f"{self.hook or ('channels' if self.is_named else self.name)}: {who}"


class _Untold(BaseModel):
    """A sentence for each receiver that did not take its last event, by hook and name."""

    sentences: dict[str, str]


def receivers_of(workspace: Workspace, kind: Kind) -> list[Receiver]:
    """Who is told of this kind of event; of a test, all.

    Raises:
        InputProblems: company.yaml cannot be read.
    """
    company = workspace.company
    if kind == "test":
        found = [Receiver(name, None, channel, True) for name, channel in company.channels.items()]
        hooks = [(name, getattr(company, name)) for name in HOOK_OF.values()]
        return [*found, *(Receiver(name, None, hook, False) for name, hook in hooks if hook and hook.ways)]
    name = HOOK_OF[kind]
    hook = getattr(company, name)
    if hook is None:
        return []
    if hook.ways:
        return [Receiver(name, name, hook, False)]
    return [Receiver(each, name, company.channels[each], True) for each in dict.fromkeys(hook.channels)]


def tell(workspace: Workspace, told: Sequence[tuple[Receiver, Event]]) -> list[str | None]:
    """Call each receiver with its event; for each a sentence if that did not succeed.

    Receivers do not wait for each other, but the events of one come in their order. What came of the refresh
    stays what it was, and it waits for `TOGETHER_SECONDS` at most.

    Raises:
        InputProblems: company.yaml cannot be read.
    """
    until = time.monotonic() + TOGETHER_SECONDS
    texts = [as_json(workspace, event) for _, event in told]
    kept = [_kept(workspace, event) for _, event in told]
    for path, text in zip(kept, texts, strict=True):
        write_text(path, text)  # for whoever sets up a hook, or repeats one that failed
    answers: list[str | None] = [None] * len(told)

    def call(places: Sequence[int]) -> None:
        for place in places:
            receiver, event = told[place]
            why = _called(workspace, receiver.channel, event, texts[place], until)
            if why is not None:
                what_stays = f"what came of the refresh stays, and the event lies in {kept[place]}"
                if event.event == "test":
                    what_stays = f"what it was sent lies in {kept[place]}"
                answers[place] = one_line(
                    f"company.yaml, {receiver.shown} did not take the event ({why}); {what_stays}."
                )

    of_each: dict[str, list[int]] = {}
    for place, (receiver, _) in enumerate(told):
        of_each.setdefault(f"{receiver.is_named} {receiver.name}", []).append(place)
    callers = [threading.Thread(target=call, args=(each,), daemon=True) for each in of_each.values()]
    for caller, places in zip(callers, of_each.values(), strict=True):
        try:
            caller.start()
        except RuntimeError:  # no memory for another thread, which may be what is to be told
            call(places)
    for caller in callers:
        if caller.ident is not None:
            caller.join()
    _note_untold(workspace, [receiver for receiver, _ in told], answers)
    return answers


def untold(workspace: Workspace) -> list[str]:
    """A sentence for each receiver of today that did not take the last event that it was called with.

    Raises:
        InputProblems: company.yaml cannot be read.
    """
    asked = [_place(receiver) for kind in HOOK_OF for receiver in receivers_of(workspace, kind)]
    note = read_note(_untold_path(workspace), _Untold)
    return [note.sentences[each] for each in dict.fromkeys(asked) if each in note.sentences] if note else []


def _note_untold(workspace: Workspace, receivers: Sequence[Receiver], answers: Sequence[str | None]) -> None:
    """Keep for `status` who did not take the last event. Who takes a test can be called again."""
    if not receivers:
        return
    path = _untold_path(workspace)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock"), timeout=5):
            before = read_note(path, _Untold)
            sentences = dict(before.sentences) if before else {}
            for receiver, answer in zip(receivers, answers, strict=True):
                hooks = HOOK_OF.values() if receiver.hook is None else (receiver.hook,)
                for hook in hooks:
                    if answer is None:
                        sentences.pop(f"{hook} {receiver.name}", None)
                    elif receiver.hook is not None:
                        sentences[f"{hook} {receiver.name}"] = answer
            if sentences != (before.sentences if before else {}):
                write_note(path, _Untold(sentences=sentences))


def _place(receiver: Receiver) -> str:
    return f"{receiver.hook} {receiver.name}"


def _untold_path(workspace: Workspace) -> Path:
    return workspace.state / "hooks" / "untold.json"


def _kept(workspace: Workspace, event: Event) -> Path:
    return workspace.state / "hooks" / f"{HOOK_OF.get(event.event, event.event)}.json"


class _NotDone(Exception):
    """A channel could not be called, or did not do its work."""


def _called(workspace: Workspace, channel: Channel, event: Event, text: str, until: float) -> str | None:
    """Why a channel did not take an event, None if it did; without what may be secret."""
    seconds = round(min(channel.seconds, until - time.monotonic()), 1)
    if seconds <= 0:
        return f"the events before took the {TOGETHER_SECONDS} s that all may take together"
    try:
        _call(workspace, channel, event, text, seconds)
    except (NotPosted, NotInEnvironment, _NotDone) as error:
        return str(error)
    except Exception as error:  # nothing that goes wrong here may become what came of the refresh
        return f"it broke ({type(error).__name__})"
    return None


def _call(workspace: Workspace, channel: Channel, event: Event, text: str, seconds: float) -> None:
    company = workspace.company
    if channel.command:
        command = [filled(argument) for argument in channel.command]
        _run(command, text.encode(), workspace.root, seconds)
    elif channel.url is not None:
        headers = {header: filled(value) for header, value in channel.headers.items()}
        post(filled(channel.url), text.encode(), headers=headers, seconds=seconds)
    else:
        message = message_of(event, company.name, company.locale)
        if channel.slack is not None:
            post(filled(channel.slack), for_slack(message), seconds=seconds)
        elif channel.teams is not None:
            post(filled(channel.teams), for_teams(message), seconds=seconds)
        elif channel.email is not None:
            _mail(channel.email, message, seconds)


def _mail(asked: Mail, message: Message, seconds: float) -> None:
    sender, *to = (filled(each) for each in (asked.sender, *asked.to))
    if not all(map(is_address, (sender, *to))):
        raise _NotDone("the environment gives a sender or receiver that is not one mail address")
    login = None
    if asked.user is not None and asked.password is not None:
        login = (filled(asked.user), filled(asked.password))
    server = Server(filled(asked.server), asked.port, asked.security, login)
    send(as_mail(message, sender, to), server, seconds=seconds)


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
