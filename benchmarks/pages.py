"""How quickly the web page answers, and whether it stays right and small meanwhile.

    .venv/bin/python benchmarks/pages.py [--workspace DIR] [--rate 50] [--seconds 60 | --requests N]
                                         [--pages PAGE...] [--refresh] [--json]

Starts `kunderegnskab serve` on a published company, signs in as finance, a manager and a salesperson, and
asks for so many pages a second, whether the ones before have been answered or not: a server that falls behind
is not given time to catch up, and a page's time begins when it was due. Which page is next is drawn: each
kind of page as often as any other, with an id or an address that its role can open, in both languages.

It prints the times by kind of page, the memory of the server as it goes, and what was answered wrongly:
another status than 200, no number of a publication, or the number of one that was not current at any time
between the request's begin and its end. With --refresh publications are made beside it, one after the other.
It ends with exit code 1 when anything was answered wrongly, and says which targets hold.

The company's own folder is not written to: the server reads its publications from a workspace of its own, and
what is refreshed is a copy.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import re
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx2
import psutil
from checkouts import REPOSITORY, CannotCompare, Version, clean_environment, tell, this_version

from kunderegnskab.publication import store
from kunderegnskab.reading.reader import Reader, Readers
from kunderegnskab.reading.scope import Role, Viewer
from kunderegnskab.web.all_pages import PAGES
from kunderegnskab.web.asked import Page
from kunderegnskab.web.users import User, Users
from kunderegnskab.web.visit import FORM_TOKEN
from kunderegnskab.workspace import Workspace

# What is asked of it: 95 of 100 pages within so many seconds, each in so many bytes on the way, and not more
# memory in the second half of the requests than so many times that of the first.
P95_SECONDS = 0.3
LARGEST_BYTES = 500_000
MEMORY_MAY_GROW = 1.05
# Addresses of one kind of page that are drawn from, and pages of a kind that are read to find them.
_MOST_ADDRESSES = 2_000
_READ_FOR_ADDRESSES = 4
# So often the memory is looked at.
_LOOKS = 10
_SEED = 20261201
_MB = 1_000_000
_PATIENCE_SECONDS = 120
_FOOT = re.compile(r"<footer>.*?\b(\d{4,}-[\w.-]+)", re.DOTALL)
_LINK = re.compile(r'href="(/[^"]*)"')
_HERE = re.compile(r"http://\S+/")


@dataclass(frozen=True)
class Somebody:
    """A role that looks at pages, and what it can open.

    Attributes:
        addresses: of each kind of page, by its name.
    """

    role: Role
    client: httpx2.AsyncClient
    addresses: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Answered:
    """One page.

    Attributes:
        seconds: from when it was due until it had been read.
        size: bytes on the way, compressed.
        wrong: what is wrong with the answer; empty for nothing.
        publication: which one it showed.
    """

    page: str
    role: Role
    address: str
    seconds: float
    size: int
    wrong: str
    publication: str


@dataclass
class Measured:
    """What came of it; memory in bytes.

    Attributes:
        memory: of the server, at even distances from the first request to the last.
        refreshes: publications that were made meanwhile.
    """

    answers: list[Answered] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    seconds: float = 0
    refreshes: int = 0

    @property
    def wrong(self) -> list[Answered]:
        """What was answered wrongly."""
        return [each for each in self.answers if each.wrong]

    @property
    def growth(self) -> float:
        """The memory of the second half of the requests as a multiple of that of the first."""
        half = len(self.memory) // 2
        return statistics.median(self.memory[half:]) / statistics.median(self.memory[:half] or self.memory)

    def targets(self) -> dict[str, bool]:
        """Each target and what was measured, in words, and whether it holds."""
        slowest = percentile([each.seconds for each in self.answers], 95)
        largest = max(each.size for each in self.answers)
        found = [
            (
                f"95 of 100 pages in {slowest * 1000:.0f} ms, at most {P95_SECONDS * 1000:.0f}",
                slowest <= P95_SECONDS,
            ),
            (
                f"the largest page has {largest / 1000:.0f} kB, at most {LARGEST_BYTES / 1000:.0f}",
                largest <= LARGEST_BYTES,
            ),
            (
                f"memory of the second half is {self.growth:.2f} of the first, at most {MEMORY_MAY_GROW:.2f}",
                self.growth <= MEMORY_MAY_GROW,
            ),
        ]
        return dict(found)


def main() -> None:
    """Serve, ask, print the tables, and say what holds."""
    options = _options()
    version = this_version()
    try:
        with tempfile.TemporaryDirectory(prefix="pages-") as scratch, version.alone():
            workspace = _workspace(options.workspace, Path(scratch) / "workspace", options.refresh)
            users = _users(workspace)
            with _serving(version, workspace) as (server, address):
                measured = asyncio.run(_measured(workspace, server, address, users, version, options))
    except CannotCompare as error:
        sys.exit(str(error))
    if options.json:
        kept = asdict(measured) | {"targets": measured.targets()}
        print(json.dumps(kept, indent=1))
    else:
        _show(measured, options.rate)
    sys.exit(bool(measured.wrong))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--workspace", type=Path, default=REPOSITORY / "data", help="a company that has been published (data)"
    )
    parser.add_argument("--rate", type=float, default=50, help="pages a second (default 50)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, default=60, help="for how long (default 60)")
    length.add_argument("--requests", type=int, help="how many pages instead")
    names = [page.name for page in PAGES]
    parser.add_argument(
        "--pages",
        nargs="+",
        choices=names,
        default=names,
        metavar="PAGE",
        help=f"of {', '.join(names)} (all)",
    )
    parser.add_argument(
        "--refresh", action="store_true", help="refresh everything beside it, again and again"
    )
    parser.add_argument("--json", action="store_true", help="print every answer as JSON")
    options = parser.parse_args()
    if options.rate <= 0 or (options.requests or 1) < 1 or options.seconds <= 0:
        parser.error("--rate, --seconds and --requests must be positive")
    options.requests = options.requests or max(1, round(options.rate * options.seconds))
    return options


# --- the server -------------------------------------------------------------------------------------------
def _workspace(company: Path, root: Path, is_refreshed: bool) -> Workspace:
    """A workspace of its own that reads the company's publications, or a copy that can be refreshed."""
    company = company.resolve()
    if store.current_if_whole(company / "published") is None:
        raise CannotCompare(f"{company} has no publication; make one with `kunderegnskab demo` or `refresh`.")
    if is_refreshed:
        shutil.copytree(company, root, symlinks=True)
        shutil.rmtree(root / "state" / "web", ignore_errors=True)  # users, and who saw what
        return Workspace(root)
    root.mkdir()
    for name in ("company.yaml", "feeds.yaml"):
        if (company / name).exists():
            shutil.copy(company / name, root)
    if (company / "personal").exists():
        shutil.copytree(company / "personal", root / "personal")
    for name in ("published", "lake", "landing", "policy"):
        (root / name).symlink_to(company / name, target_is_directory=True)
    return Workspace(root)


def _users(workspace: Workspace) -> dict[User, str]:
    """One user of each of three roles, with the password: whoever sells to most customers, and the team."""
    with Readers(workspace).reader(Viewer("benchmark", "finance")) as reader:
        seller = reader.row(
            """
            select salesperson_id, team from marts.current_portfolio_accounts
            join marts.salespeople using (salesperson_id)
            where not is_unassigned group by all order by count(distinct customer_id) desc, 1 limit 1
            """
        )
    users = [User(name="benchmark-finance", role="finance")]
    if seller is not None:
        key, team = seller["salesperson_id"], seller["team"]
        users.append(User(name="benchmark-salesperson", role="salesperson", salesperson_id=key))
        if team:
            users.append(User(name="benchmark-manager", role="manager", team=team))
    kept = Users(workspace)
    passwords = {user: secrets.token_urlsafe() for user in users}
    for user, password in passwords.items():
        kept.add(user, password)
    return passwords


@contextmanager
def _serving(version: Version, workspace: Workspace) -> Generator[tuple[psutil.Process, str]]:
    """The server as whoever starts it at a prompt has it, and its address."""
    command = [version.repository / ".venv" / "bin" / "kunderegnskab", "serve", "--port", "0"]
    said = workspace.root.with_name("serve.txt")
    with said.open("w") as errors:
        process = subprocess.Popen(
            [*map(str, command), "--workspace", str(workspace.root)],
            cwd=version.repository,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            assert process.stdout is not None
            found = _HERE.search(process.stdout.readline())
            if found is None:
                raise CannotCompare(f"`kunderegnskab serve` has not begun: {said.read_text()}")
            yield psutil.Process(process.pid), found[0]
        finally:
            process.terminate()
            try:
                process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            print(said.read_text(), end="", file=sys.stderr)


# --- what is asked ----------------------------------------------------------------------------------------
async def _signed_in(address: str, user: User, password: str) -> httpx2.AsyncClient:
    client = httpx2.AsyncClient(
        base_url=address,
        timeout=_PATIENCE_SECONDS,
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=100),
        headers={"accept-encoding": "gzip"},
    )
    form = await client.get("/login")
    token = re.search(rf'name="{FORM_TOKEN}" value="([^"]+)"', form.text)
    if token is None:
        raise CannotCompare(f"{address}login has no form.")
    answer = await client.post("/login", data={FORM_TOKEN: token[1], "name": user.name, "password": password})
    if answer.status_code != 303:
        raise CannotCompare(f"{user.name} cannot sign in: the server answers {answer.status_code}.")
    return client


async def _addresses(client: httpx2.AsyncClient, reader: Reader) -> dict[str, list[str]]:
    """What somebody can open: every customer, and what pages lead to, beginning with the first one."""
    customers = reader.rows(
        """
        select customer_id from marts.customer_segments join marts.customers using (customer_id)
        where month = ? and not is_unknown order by customer_id
        """,
        [reader.last_month],
    )
    known: dict[str, dict[str, None]] = {page.name: {} for page in PAGES}
    known["customer"] = dict.fromkeys(f"/kunde/{quote(row['customer_id'], safe='')}" for row in customers)
    known["overview"] = {"/": None}
    read: dict[str, int] = defaultdict(int)
    waiting = ["/", *list(known["customer"])[:_READ_FOR_ADDRESSES]]
    while waiting:
        here = waiting.pop(0)
        answer = await client.get(here)
        if answer.status_code != 200:
            raise CannotCompare(f"{here} is answered with {answer.status_code}.")
        for link in map(unescape, _LINK.findall(answer.text)):
            page = page_at(link)
            if page is None or link in known[page.name] or len(known[page.name]) >= _MOST_ADDRESSES:
                continue
            known[page.name][link] = None
            if page.name not in ("customer", "trace") and read[page.name] < _READ_FOR_ADDRESSES:
                read[page.name] += 1
                waiting.append(link)
    return {name: list(addresses) for name, addresses in known.items() if addresses}


def page_at(link: str) -> Page | None:
    """The page that a link leads to; None for papers, files and forms."""
    path = urlsplit(link).path
    for page in PAGES:
        if re.fullmatch(re.sub(r"{\w+:path}", "[^/]+", page.path), path):
            return page
    return None


# --- asking -----------------------------------------------------------------------------------------------
async def _measured(
    workspace: Workspace,
    server: psutil.Process,
    address: str,
    users: Mapping[User, str],
    version: Version,
    options: argparse.Namespace,
) -> Measured:
    people = []
    for user, password in users.items():
        client = await _signed_in(address, user, password)
        with Readers(workspace).reader(user.viewer) as reader:
            found = await _addresses(client, reader)
        people.append(
            Somebody(user.role, client, {name: found[name] for name in options.pages if name in found})
        )
        counts = ", ".join(f"{name} {len(each)}" for name, each in people[-1].addresses.items())
        tell(f"{user.role} can open: {counts}")
    people = [each for each in people if each.addresses]
    if not people:
        raise CannotCompare(f"Nobody can open {', '.join(options.pages)} in this company.")
    missing = {*options.pages} - {name for each in people for name in each.addresses}
    if missing:
        tell(f"nothing leads to {', '.join(sorted(missing))} in this company: not measured")
    measured = Measured()
    ended = asyncio.Event()
    refreshing = asyncio.create_task(_refreshing(workspace, version, measured, ended, options.refresh))
    try:
        await _ask(workspace, server, people, measured, options)
    finally:
        ended.set()
        await refreshing
        for each in people:
            await each.client.aclose()
    return measured


async def _ask(
    workspace: Workspace,
    server: psutil.Process,
    people: Sequence[Somebody],
    measured: Measured,
    options: argparse.Namespace,
) -> None:
    """Ask for pages at their times, and look at the memory in between."""
    chance = random.Random(_SEED)
    looks = {options.requests * look // _LOOKS for look in range(_LOOKS)}
    started = time.perf_counter()
    async with asyncio.TaskGroup() as under_way:
        for number in range(options.requests):
            due = started + number / options.rate
            await asyncio.sleep(max(0, due - time.perf_counter()))
            if number in looks:
                measured.memory.append(server.memory_info().rss)
                waiting = number - len(measured.answers)
                tell(f"page {number}, {waiting} waiting, memory {measured.memory[-1] / _MB:.0f} MB")
            under_way.create_task(_open(workspace, drawn(people, chance), due, measured))
    measured.seconds = time.perf_counter() - started
    measured.memory.append(server.memory_info().rss)


@dataclass(frozen=True)
class _Drawn:
    somebody: Somebody
    page: str
    address: str
    language: str


def drawn(people: Sequence[Somebody], chance: random.Random) -> _Drawn:
    """The next page to ask for, and for whom."""
    somebody = chance.choice(people)
    page = chance.choice(sorted(somebody.addresses))
    return _Drawn(somebody, page, chance.choice(somebody.addresses[page]), chance.choice(["da", "en"]))


async def _open(workspace: Workspace, asked: _Drawn, due: float, measured: Measured) -> None:
    before = _current(workspace)
    try:
        answer = await asked.somebody.client.get(asked.address, headers={"accept-language": asked.language})
    except httpx2.HTTPError as error:
        shown, size, wrong = "", 0, f"{type(error).__name__} {error}".strip()
    else:
        found = _FOOT.search(answer.text)
        shown, size = found[1] if found else "", answer.num_bytes_downloaded
        wrong = wrong_with(answer.status_code, shown, before, _current(workspace))
    seconds = time.perf_counter() - due
    measured.answers.append(
        Answered(asked.page, asked.somebody.role, asked.address, seconds, size, wrong, shown)
    )


def _current(workspace: Workspace) -> str:
    pointer = workspace.published / store.POINTER_FILE
    return json.loads(pointer.read_bytes())["publication"]


def wrong_with(status: int, shown: str, before: str, after: str) -> str:
    """What is wrong with an answer; empty for nothing.

    Args:
        shown: the publication that the page names.
        before, after: the ones that were current when it was asked for and when it had been read. Numbers
            only grow, so whatever stands from the one to the other was current in between.
    """
    if status != 200:
        return f"status {status}"
    if not shown:
        return "no publication in the foot"
    if not _number(before) <= _number(shown) <= _number(after):
        between = before if before == after else f"{before} to {after}"
        return f"shows {shown}, while {between} was current"
    return ""


def _number(publication: str) -> int:
    return int(publication.partition("-")[0])


async def _refreshing(
    workspace: Workspace, version: Version, measured: Measured, ended: asyncio.Event, is_wanted: bool
) -> None:
    while is_wanted and not ended.is_set():
        done = await asyncio.to_thread(
            version.run, "refresh", "--full", "--json", "--workspace", workspace.root
        )
        if done.report["status"] != "published":
            raise CannotCompare(f"A refresh was to publish and ended as {done.report['status']}.")
        measured.refreshes += 1
        tell(f"{_current(workspace)} published after {done.clock:.0f} s")


# --- what came of it --------------------------------------------------------------------------------------
def percentile(values: Iterable[float], per_cent: float) -> float:
    """The smallest of the values that so many per cent of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * per_cent / 100) - 1)]


def _show(measured: Measured, rate: float) -> None:
    groups: dict[str, list[Answered]] = {"all": measured.answers}
    for kind in (_of_page, _of_role):
        for each in measured.answers:
            groups.setdefault(kind(each), []).append(each)
    print("| pages | answered | p50 | p95 | p99 | longest | largest | wrong |")
    print("|---|---|---|---|---|---|---|---|")
    for name, answers in groups.items():
        seconds = [each.seconds for each in answers]
        times = [percentile(seconds, per_cent) for per_cent in (50, 95, 99, 100)]
        cells = [
            name,
            str(len(answers)),
            *(f"{each * 1000:.0f} ms" for each in times),
            f"{max(each.size for each in answers) / 1000:.0f} kB",
            str(sum(bool(each.wrong) for each in answers)),
        ]
        print(f"| {' | '.join(cells)} |")
    shown = sorted({each.publication for each in measured.answers if each.publication})
    print(
        f"\n{len(measured.answers)} pages in {measured.seconds:.0f} s, {rate:g} a second asked for; "
        f"{measured.refreshes} refreshes beside it, {len(shown)} publications shown"
    )
    print(f"memory of the server: {', '.join(f'{each / _MB:.0f}' for each in measured.memory)} MB")
    for each in measured.wrong[:20]:
        print(f"WRONG: {each.role} {each.address}: {each.wrong}")
    for target, holds in measured.targets().items():
        print(f"{target}: the target {'holds' if holds else 'DOES NOT HOLD'}")


def _of_page(answer: Answered) -> str:
    return answer.page


def _of_role(answer: Answered) -> str:
    return f"by {answer.role}"


if __name__ == "__main__":
    main()
