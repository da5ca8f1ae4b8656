"""Statements, lists and reports as files: how they are called, and making many of them.

Here: safe names, writing whole files or none, several compilers at work for many PDFs. Not here: what stands
in them.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal, cast, get_args

from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.progress import report
from kunderegnskab.reading.accounts import customer_account
from kunderegnskab.reading.reader import Reader
from kunderegnskab.statements import customer, workbook
from kunderegnskab.statements.common import Writing
from kunderegnskab.statements.paper import Paper

Format = Literal["pdf", "xlsx", "both"]

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}(?<!\.)")
# Compiling takes a processor's whole time; more compilers than these only take memory.
_COMPILERS = min(4, os.cpu_count() or 1)


class CannotWrite(KunderegnskabError):
    """A file cannot be written where somebody wants it."""


def file_names(ids: Sequence[str], kind: str) -> dict[str, str]:
    """A name for each id, without an ending, that every file system takes: `kind-id` where it can be that.

    Other ids, and those that differ in capitals alone, get a part of their hash behind what is left of them.
    """
    folded = Counter(each.casefold() for each in ids)
    return {
        each: f"{kind}-{each}"
        if _SAFE.fullmatch(each) and folded[each.casefold()] == 1
        else f"{kind}-{_stripped(each)}-{hashlib.sha256(each.encode()).hexdigest()[:10]}"
        for each in ids
    }


def _stripped(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", text)[:40].strip("_")


def format_of(asked: str) -> Format:
    """A format as people ask for it. Raises CannotWrite."""
    if asked not in get_args(Format):
        raise CannotWrite(f"--format {asked} is not known; use {', '.join(get_args(Format))}.")
    return cast("Format", asked)


def make_folder(path: Path) -> Path:
    """The folder, made if it was not there. Raises CannotWrite where something else has its name."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise CannotWrite(f"{path} is a file; name a folder for the files.") from error
    return path


def require_place(path: Path) -> None:
    """Return if a PDF or workbook can be written there, before anything is computed. Raises CannotWrite."""
    if path.suffix not in (".pdf", ".xlsx"):
        raise CannotWrite(f"{path.name} is neither .pdf nor .xlsx; name the file by what it shall be.")
    if not path.resolve().parent.is_dir():
        raise CannotWrite(f"There is no folder {path.parent} for {path.name}; make it first.")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that others see whole or not at all."""
    unfinished = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    try:
        unfinished.write_bytes(content)
        os.replace(unfinished, path)
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()


def write_statements(
    reader: Reader,
    writing: Writing,
    customer_ids: Sequence[str],
    folder: Path,
    wanted: Format,
    *,
    month: date | None = None,
) -> list[Path]:
    """Write the statement of each customer, as PDF, as workbook, or both.

    One thread reads; compilers in threads of their own make the PDFs meanwhile, and never have more than a
    few waiting, so that memory stays the same however many there are.

    Args:
        folder: where the files go, `statement-CUSTOMER.pdf` and `.xlsx`.
        month: the last of the twelve months; the newest one if None.

    Returns: the files, in the order of the customers.
    Raises NothingToRead where the viewer sees no such customer.
    """
    papers: SimpleQueue[Paper] = SimpleQueue()
    compilers = min(_COMPILERS, len(customer_ids))
    for _ in range(compilers):
        papers.put(Paper())

    def write_pdf(path: Path, content: dict[str, Any]) -> None:
        paper = papers.get()
        try:
            write_whole(path, paper.pdf("customer", content))
        finally:
            papers.put(paper)

    names = file_names(customer_ids, "statement")
    written: list[Path] = []
    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(max(compilers, 1)) as pool:
        for number, customer_id in enumerate(customer_ids):
            report("writing statements", number, len(customer_ids))
            found = customer_account(reader, customer_id, writing.code, month=month)
            if wanted in ("pdf", "both"):
                path = folder / f"{names[customer_id]}.pdf"
                content = customer.content(reader, found, writing)
                waiting.append(pool.submit(write_pdf, path, content))
                written.append(path)
            if wanted in ("xlsx", "both"):
                path = folder / f"{names[customer_id]}.xlsx"
                write_whole(path, workbook.statement(reader, found, writing))
                written.append(path)
            if len(waiting) > 2 * compilers:
                waiting.popleft().result()
        for each in waiting:
            each.result()
    report("writing statements", len(customer_ids), len(customer_ids))
    return written
