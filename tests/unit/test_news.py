"""News for people: mails and messages of Slack and Teams, told once, within a limit, without names or secrets.

Commands and addresses belong in test_hooks.py, what an event is told of in tests/e2e.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from addresses import posted_to
from mail_servers import HOST, PASSWORD, REFUSED, USER, broken_server, free_port, mail_server
from ruamel.yaml import YAML
from running import kunderegnskab

from kunderegnskab.news import calling
from kunderegnskab.news.events import Event, Kind
from kunderegnskab.news.words import message_of
from kunderegnskab.problems import InputProblems
from kunderegnskab.publication.changes import Changes, FileChanges, RestatedMonth, Span, Totals
from kunderegnskab.refresh.telling import tell_outcome, tell_standing
from kunderegnskab.workspace import Workspace

PYTHON = sys.executable
TO = ["finans@firma.example", "salg@firma.example"]


def workspace_with(root: Path, **keys: Any) -> Workspace:
    root.mkdir(exist_ok=True)
    with (root / "company.yaml").open("w", encoding="utf-8") as stream:
        YAML().dump({"name": "Ærø Grønt ApS", "currency": "DKK", **keys}, stream)
    return Workspace(root)


def mail_by(port: int, **more: Any) -> dict[str, Any]:
    mail = {"server": HOST, "port": port, "sender": "regnskab@firma.example", "to": TO}
    return {"email": mail | more}


def failed(workspace: Workspace, *problems: str) -> list[str]:
    return tell_outcome(workspace, "failed", None, problems=problems or ("Linje 1 er gal.",))


def one_sentence(told: list[str]) -> str:
    """The one that is told, of which no secret is a part."""
    (sentence,) = told
    assert "\n" not in sentence
    assert "hemmelig" not in sentence
    return sentence


# --- mail ---------------------------------------------------------------------------------------------
@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A login whose password the environment has."""
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    return {"user": USER, "password": "${MAIL_PASSWORD}"}


def test_a_mail_is_encrypted_and_says_what_went_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: dict[str, str]
) -> None:
    with mail_server(tmp_path / "server") as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
        workspace = workspace_with(tmp_path / "firma", on_failure=mail_by(server.port, **secret))
        assert failed(workspace, "Linje 1: 'Bødker & Søn' er gal.", "  CPR 010203-1234 i række 7") == []
    (taken,) = server.taken
    assert (taken.was_encrypted, taken.user, taken.to) == (True, USER, TO)
    assert taken.mail["Subject"] == "Ærø Grønt ApS: Opdateringen fejlede"
    assert taken.mail["From"].addresses[0].addr_spec == "regnskab@firma.example"
    assert taken.mail["Auto-Submitted"] == "auto-generated"
    assert socket.gethostname() not in taken.mail["Message-ID"]
    # What is set in quotes records, and nobody knows who reads a mail.
    assert taken.mail.get_content() == "Linje 1: 'Bødker & Søn' er gal.\r\n\r\nIntet er udgivet endnu.\r\n"


def test_a_server_may_be_encrypted_from_the_start_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for security in ("tls", "none"):
        with mail_server(tmp_path / security, security=security) as server:
            monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
            workspace = workspace_with(tmp_path / "firma", on_failure=mail_by(server.port, security=security))
            assert failed(workspace) == []
        assert len(server.taken) == 1


@pytest.mark.parametrize(("security", "host"), [("starttls", HOST), ("tls", HOST), ("tls", "mail.example")])
def test_nothing_is_sent_to_a_server_whose_certificate_is_not_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: dict[str, str], security: str, host: str
) -> None:
    """One that nobody has signed, or that is another server's."""
    with mail_server(tmp_path / "server", security=security, host=host) as server:
        if host != HOST:
            monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
        mail = mail_by(server.port, security=security, **secret)
        sentence = one_sentence(failed(workspace_with(tmp_path / "firma", on_failure=mail)))
    assert "the certificate of the mail server is not valid: " in sentence
    assert server.taken == []


def test_nothing_is_sent_to_a_server_that_cannot_be_spoken_to_in_secret(
    tmp_path: Path, secret: dict[str, str]
) -> None:
    with mail_server(tmp_path / "server", security="none") as server:
        sentence = one_sentence(
            failed(workspace_with(tmp_path / "firma", on_failure=mail_by(server.port, **secret)))
        )
        assert "the mail server cannot do what is asked of it: STARTTLS" in sentence
        mail = mail_by(server.port, security="tls")
        sentence = one_sentence(failed(workspace_with(tmp_path / "firma", on_failure=mail)))
        assert "no secure connection to the mail server" in sentence
    assert server.taken == []


def test_a_refusal_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: dict[str, str]) -> None:
    with mail_server(tmp_path / "server") as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
        for more, why in (
            ({"to": [REFUSED]}, "the mail server refused all receivers (550)"),
            ({"to": [*TO, REFUSED]}, "the mail server refused 1 of 3 receivers"),
            ({"user": "en hemmelig anden"}, "the mail server refused user or password (535)"),
            ({"user": "hemmelig ærø"}, "user or password holds letters such as æ, ø and å"),
        ):
            mail = mail_by(server.port, **(secret | more))
            assert why in one_sentence(failed(workspace_with(tmp_path / "firma", on_failure=mail)))


def cut(_taken: socket.socket, _over: threading.Event) -> None:
    pass


def cut_after_the_mail(taken: socket.socket, _over: threading.Event) -> None:
    """The server is gone before it has said that it has the mail."""
    taken.sendall(b"220 hej\r\n")
    is_mail = False
    for line in taken.makefile("rb"):
        if line == b".\r\n":
            return
        if not is_mail:
            is_mail = line == b"data\r\n"
            taken.sendall(b"354 kom med det\r\n" if is_mail else b"250 OK\r\n")


def nonsense(taken: socket.socket, over: threading.Event) -> None:
    taken.sendall(b"\x00\xff<html>\r\n" * 10)
    over.wait(5)


def full(taken: socket.socket, over: threading.Event) -> None:
    taken.sendall(b"421 for mange\r\n")
    over.wait(5)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (cut, "the mail server ended the connection"),
        (cut_after_the_mail, "the mail server ended the connection"),
        (nonsense, "the mail server answered -1"),
        (full, "the mail server answered 421"),
    ],
)
def test_a_server_that_breaks_is_told(tmp_path: Path, answer: Any, why: str) -> None:
    with broken_server(answer) as port:
        mail = mail_by(port, security="none")
        assert why in one_sentence(failed(workspace_with(tmp_path / "firma", on_failure=mail)))


def test_nobody_who_listens_is_told(tmp_path: Path) -> None:
    sentence = one_sentence(failed(workspace_with(tmp_path / "firma", on_failure=mail_by(free_port()))))
    assert "(Connection refused)" in sentence


def silent(_taken: socket.socket, over: threading.Event) -> None:
    over.wait()


def without_end(taken: socket.socket, over: threading.Event) -> None:
    """A line now and then, so that no limit of a single answer is ever reached."""
    with suppress(OSError):
        while not over.wait(0.2):
            taken.sendall(b"220-vent\r\n")


@pytest.mark.parametrize("answer", [silent, without_end])
def test_a_server_that_hangs_is_left(tmp_path: Path, answer: Any) -> None:
    with broken_server(answer) as port:
        mail = mail_by(port, security="none") | {"seconds": 1}
        sentence = one_sentence(failed(workspace_with(tmp_path / "firma", on_failure=mail)))
    assert "no answer within 1 s" in sentence


def test_a_secret_that_is_missing_is_told(tmp_path: Path) -> None:
    mail = mail_by(free_port(), user=USER, password="${NO_SUCH_PASSWORD}")
    sentence = one_sentence(failed(workspace_with(tmp_path / "firma", on_failure=mail)))
    assert "the environment has no NO_SUCH_PASSWORD, set it where the program is started" in sentence


def test_no_name_becomes_another_header_or_receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "Firma\r\nBcc: fremmed@example.com\r\n\r\nkom"
    with mail_server(tmp_path / "server", security="none") as server:
        mail = mail_by(server.port, security="none", to=["${WHO}"])
        monkeypatch.setenv("WHO", "finans@firma.example")
        workspace = workspace_with(tmp_path / "firma", name=name, on_failure=mail)
        assert failed(workspace, "a\r\n.\r\nMAIL FROM:<x@y.dk>\r\nfil \udcff") == []
        for who in ("a@b.dk\r\nBcc: c@d.dk", "a@b.dk, c@d.dk", "a@b.dk> SIZE=1", "a b@c.dk", ""):
            monkeypatch.setenv("WHO", who)
            sentence = one_sentence(failed(workspace))
            assert "a sender or receiver that is not one mail address" in sentence
    (taken,) = server.taken
    assert taken.to == ["finans@firma.example"]
    assert taken.mail["Bcc"] is None
    assert taken.mail["Subject"].startswith(r"Firma\r\nBcc: fremmed@example.com")
    assert r"a\r\n.\r\nMAIL FROM:<x@y.dk>\r\nfil \udcff" in taken.mail.get_content()


# --- Slack and Teams ----------------------------------------------------------------------------------
NASTY = "<!channel> *fed* [klik](https://example.com) <https://example.com|her> &amp;"


def texts_in(value: Any) -> list[str]:
    """Every text of a message, however deep."""
    if isinstance(value, dict | list):
        return [
            text for each in (value.values() if isinstance(value, dict) else value) for text in texts_in(each)
        ]
    return [value] if isinstance(value, str) else []


def test_slack_gets_blocks_in_which_nothing_is_a_link_or_a_mention(tmp_path: Path) -> None:
    with posted_to(200) as (address, posted):
        workspace = workspace_with(tmp_path / "firma", name=NASTY, on_failure={"slack": address})
        assert failed(workspace, NASTY, *(f"{number} {'x' * 600}" for number in range(40))) == []
    message = json.loads(posted[0].body)
    assert message["text"].startswith("&lt;!channel&gt; *fed* [klik]")
    header, *sections = message["blocks"]
    assert header["type"] == "header"
    assert len(header["text"]["text"]) <= 150
    for block in message["blocks"]:
        assert block["text"]["type"] == "plain_text"
        assert 0 < len(block["text"]["text"]) <= 3000
    assert len(message["blocks"]) <= 50
    assert sections[0]["text"]["text"].startswith(NASTY)
    assert "Og 29 mere; log og tabeller har det hele." in sections[-1]["text"]["text"]


def test_teams_gets_a_card_in_which_nothing_is_read_as_markdown(tmp_path: Path) -> None:
    with posted_to(202) as (address, posted):
        workspace = workspace_with(tmp_path / "firma", on_failure={"teams": address})
        assert failed(workspace, NASTY, *(f"{number} {'x' * 600}" for number in range(40))) == []
    assert len(posted[0].body) < 28_000  # what Teams takes
    message = json.loads(posted[0].body)
    (attachment,) = message["attachments"]
    assert (message["type"], attachment["contentType"]) == (
        "message",
        "application/vnd.microsoft.card.adaptive",
    )
    title, *body = attachment["content"]["body"]
    assert title["inlines"][0]["text"] == "Ærø Grønt ApS: Opdateringen fejlede"
    assert {block["type"] for block in body} == {"RichTextBlock"}
    assert body[0]["inlines"][0] == {"type": "TextRun", "text": NASTY}


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_an_answer_that_is_no_is_told_without_the_address(tmp_path: Path, kind: str) -> None:
    with posted_to(403) as (address, _):
        workspace = workspace_with(tmp_path / "firma", on_failure={kind: f"{address}hemmelig"})
        assert "the answer was 403" in one_sentence(failed(workspace))


# --- words --------------------------------------------------------------------------------------------
def totals(months: tuple[str, str], net_sales: str, db3: str, customers: int) -> Totals:
    first, last = (date.fromisoformat(f"{month}-01") for month in months)
    return Totals(first, last, Decimal(net_sales), Decimal("500.5"), Decimal(400), Decimal(db3), customers)


CHANGES = Changes(
    publication="0002-b",
    since="0001-a",
    currency="DKK",
    files=FileChanges(("landing/Hansens fil.csv",), (), (), ("the program",)),
    records=12_345,
    records_before=12_000,
    twelve_months=Span(
        totals(("2025-01", "2025-12"), "1234567.891", "-10", 7),
        totals(("2024-12", "2025-11"), "1234000", "20", 6),
        2,
        1,
    ),
    all_months=Span(
        totals(("2024-01", "2025-12"), "2", "2", 9), totals(("2024-01", "2025-11"), "2", "2", 9), 0, 0
    ),
    restated=tuple(
        RestatedMonth(date(2025, month, 1), month, Decimal(-100), Decimal("0.5"), month == 11)
        for month in range(11, 0, -1)
    ),
)


def test_what_has_changed_is_told_in_both_languages() -> None:
    event = Event("published", "run", "0002-b", warnings=("a: Hansen", "b"), changes=CHANGES)
    danish, english = (message_of(event, "Firma", locale) for locale in ("da", "en"))
    assert danish.sentences == (
        "Ændret siden udgivelse 0001-a:",
        "2 kontroller slog fejl uden at hindre udgivelsen; se kvalitetsrapporten.",
    )
    facts = dict(danish.facts)
    assert facts["Filer"] == "1 nye, 0 ændret, 0 væk"
    assert facts["Andet, der er ændret"] == "programmet"
    assert facts["Poster"] == "12.345 (+345)"
    assert facts["Seneste tolv måneder"] == "2025-01 - 2025-12 (før 2024-12 - 2025-11)"
    assert facts["Nettoomsætning, tolv måneder"] == "1.234.567,89 DKK (+567,89)"
    assert facts["DB I, tolv måneder"] == "500,50 DKK (0,00)"
    assert facts["DB III, tolv måneder"] == "-10,00 DKK (-30,00)"
    assert facts["Kunder, tolv måneder"] == "7 (2 nye, 1 væk)"
    assert facts["Måneder med andre tal"].startswith(
        "2025-11 (lukket): nettoomsætning -100,00, DB III +0,50, 11 kunder; 2025-10: nettoomsætning"
    )
    assert facts["Måneder med andre tal"].endswith("; og 5 måneder før")
    assert dict(english.facts)["Net sales, twelve months"] == "1,234,567.89 DKK (+567.89)"
    assert len(english.facts) == len(danish.facts)
    for message in (danish, english):
        assert "Hansen" not in str(message)  # of files and records there are numbers


def test_the_first_publication_has_nothing_to_be_compared_with() -> None:
    alone = replace(
        CHANGES,
        since=None,
        records_before=None,
        restated=(),
        twelve_months=replace(CHANGES.twelve_months, before=None),
        all_months=replace(CHANGES.all_months, before=None),
    )
    message = message_of(Event("published", "run", "0001-a", changes=alone), "Firma", "en")
    assert message.sentences == ("This is the first publication.",)
    assert dict(message.facts)["Records"] == "12,345"
    assert dict(message.facts)["DB III, twelve months"] == "-10.00 DKK"
    assert "Months with other figures" not in dict(message.facts)


@pytest.mark.parametrize("locale", ["da", "en"])
@pytest.mark.parametrize("kind", ["failed", "blocked", "published", "late", "drift", "approval", "test"])
def test_every_event_has_words_in_both_languages(kind: Kind, locale: Any) -> None:
    event = Event(
        kind,
        "run",
        "0001-a",
        problems=("problem",),
        blocked_by=("check",) if kind == "blocked" else (),
        changes=CHANGES if kind == "published" else None,
        late=("late",),
        drift=("drift",),
        approval=("approval",),
    )
    message = message_of(event, "Firma", locale)
    assert message.title.startswith("Firma: ")
    expected = {
        "failed": "problem",
        "blocked": "check",
        "published": "0001-a",
        "late": "late",
        "drift": "drift",
        "approval": "approval",
    }
    assert expected.get(kind, "company.yaml") in message.sentences[0]


# --- who is told, and what only once ------------------------------------------------------------------
def appending(path: Path, *, ending: int = 0) -> dict[str, Any]:
    """A command that notes of which event it was told."""
    text = (
        "import json, sys; open(sys.argv[1], 'a').write(json.load(sys.stdin)['event'] + ' ');"
        f"raise SystemExit({ending})"
    )
    return {"command": [PYTHON, "-c", text, str(path)]}


def test_each_channel_gets_the_events_that_name_it(tmp_path: Path) -> None:
    channels = {name: appending(tmp_path / name) for name in ("chat", "board")}
    workspace = workspace_with(
        tmp_path / "firma",
        channels=channels,
        on_failure={"channels": ["chat", "board"]},
        on_late={"channels": ["chat"]},
        fresh_for_hours=24,
    )
    assert failed(workspace) == []
    assert (tmp_path / "chat").read_text() == "failed late "
    assert (tmp_path / "board").read_text() == "failed "


def test_only_the_channel_that_did_not_take_it_is_told_again(tmp_path: Path) -> None:
    root = tmp_path / "firma"

    def workspace(ending: int) -> Workspace:
        channels = {
            "chat": appending(tmp_path / "chat"),
            "board": appending(tmp_path / "board", ending=ending),
        }
        return workspace_with(
            root, channels=channels, on_late={"channels": ["chat", "board"]}, fresh_for_hours=24
        )

    _, told = tell_standing(workspace(1))
    assert one_sentence(told).startswith(
        "company.yaml, on_late: the channel 'board' did not take the event (it ended with exit code 1)"
    )
    assert tell_standing(workspace(0))[1] == []
    assert tell_outcome(workspace(0), "unchanged", None) == []
    assert ((tmp_path / "chat").read_text(), (tmp_path / "board").read_text()) == ("late ", "late late ")


def test_channels_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """Each of these is done only when the other has begun."""
    wait = (
        "import pathlib, sys, time; mine, other = map(pathlib.Path, sys.argv[1:]); mine.touch()\n"
        "while not other.exists(): time.sleep(0.02)"
    )
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    channels = {
        "chat": {"command": [PYTHON, "-c", wait, one, two], "seconds": 30},
        "board": {"command": [PYTHON, "-c", wait, two, one], "seconds": 30},
    }
    on_failure = {"channels": ["chat", "board"]}
    assert failed(workspace_with(tmp_path / "firma", channels=channels, on_failure=on_failure)) == []


def test_all_together_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "TOGETHER_SECONDS", 0)
    workspace = workspace_with(tmp_path / "firma", on_failure=appending(tmp_path / "told"))
    assert "the events before took the 0 s that all may take together" in one_sentence(failed(workspace))
    assert not (tmp_path / "told").exists()


def test_without_memory_for_a_thread_they_are_called_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    channels = {name: appending(tmp_path / name) for name in ("chat", "board")}
    workspace = workspace_with(
        tmp_path / "firma", channels=channels, on_failure={"channels": ["chat", "board"]}
    )
    assert failed(workspace) == []
    assert (tmp_path / "chat").read_text() == (tmp_path / "board").read_text() == "failed "


def test_a_fault_of_the_program_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise LookupError("hemmelig")

    monkeypatch.setattr(calling, "message_of", broken)
    sentence = one_sentence(failed(workspace_with(tmp_path / "firma", on_failure={"slack": "http://x"})))
    assert "it broke (LookupError)" in sentence


# --- company.yaml -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"channels": {"chat": {}}}, "the key channels.chat: a channel has one of command"),
        ({"channels": {"chat": {"slack": "a", "teams": "b"}}}, "a channel has one of command"),
        ({"channels": {"chat": {"slack": "a", "to": "b"}}}, "channels.chat.to is not known; remove it, or use one of command, url"),
        ({"channels": {"on_late": {"slack": "a"}}}, "a channel cannot be called on_late, as a hook is; give it another name"),
        ({"on_drift": {"channels": ["chat"]}}, "on_drift names the channel 'chat', which is none of channels (none yet); add it there"),
        ({"on_late": {"channels": ["chat"], "url": "a"}}, "the key on_late: a hook has one of command"),
        ({"on_late": {"slack": "a", "headers": {"A": "b"}}}, "headers go with url alone"),
        ({"channels": {"chat": {"slack": "a"}}, "on_late": {"channels": ["chat"], "seconds": 3}}, "seconds stands with each channel"),
        ({"on_late": mail_by(1, to=[])}, "the key on_late.email.to: "),
        ({"on_late": mail_by(1, to=["Finans <a@b.dk>"])}, "sender and each of to are one mail address"),
        ({"on_late": mail_by(1, sender="a@b.dk\nBcc: c@d.dk")}, "sender and each of to are one mail address"),
        ({"on_late": mail_by(1, user="a")}, "user and password go together"),
        ({"on_late": mail_by(1, user="a", password="hemmelig")}, "password must be ${NAME}, the name of a variable"),
        ({"on_late": mail_by(1, user="a", password="${P}", security="none")}, "a password is sent over starttls or tls only"),
    ],
)  # fmt: skip
def test_a_channel_that_is_none_is_one_sentence(tmp_path: Path, keys: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputProblems) as told:
        _ = workspace_with(tmp_path, **keys).company
    assert fault in one_sentence(str(told.value).splitlines())


def test_no_publication_tells_of_channels(tmp_path: Path) -> None:
    company = workspace_with(tmp_path, channels={"chat": {"slack": "https://hemmelig"}}).company
    assert "hemmelig" not in json.dumps(company.parameters())


# --- the command, and status --------------------------------------------------------------------------
def test_a_test_message_goes_to_each_channel_or_the_one_that_is_named(tmp_path: Path) -> None:
    workspace = workspace_with(
        tmp_path / "firma",
        channels={"chat": appending(tmp_path / "chat"), "board": {"command": ["false"]}},
        on_late=appending(tmp_path / "late"),
    )
    done = kunderegnskab("news", "test", "--json", "--workspace", workspace.root)
    assert done.code == 1
    assert done.json["taken"] == ["chat", "on_late"]
    assert one_sentence(done.json["problems"]).startswith(
        "company.yaml, channels: the channel 'board' did not take the event (it ended with exit code 1)"
    )
    assert ((tmp_path / "chat").read_text(), (tmp_path / "late").read_text()) == ("test ", "test ")

    done = kunderegnskab("news", "test", "--channel", "chat", "--workspace", workspace.root)
    assert (done.code, done.out) == (0, "chat has taken the test message.\n")
    done = kunderegnskab("news", "test", "--channel", "mail", "--workspace", workspace.root)
    assert (done.code, done.err) == (
        1,
        "company.yaml: has no channel mail; name one of chat, board, on_late.\n",
    )


def test_status_tells_who_did_not_take_the_last_event_until_one_is_taken(tmp_path: Path) -> None:
    root = tmp_path / "firma"
    failed(workspace_with(root, on_failure={"command": ["false"]}))
    said = kunderegnskab("status", "--workspace", root)
    assert "  news      company.yaml, on_failure: the hook did not take the event" in said.out
    assert one_sentence(kunderegnskab("status", "--json", "--workspace", root).json["untold"])
    failed(workspace_with(root, on_failure={"command": ["true"]}))
    assert kunderegnskab("status", "--json", "--workspace", root).json["untold"] == []


def test_what_could_not_be_told_is_no_news_of_a_hook_that_is_gone(tmp_path: Path) -> None:
    root = tmp_path / "firma"
    failed(workspace_with(root, on_failure={"command": ["false"]}))
    assert len(calling.untold(Workspace(root))) == 1
    assert calling.untold(workspace_with(root, on_published={"command": ["false"]})) == []


def test_a_workspace_that_takes_no_notes_is_told_of_all_the_same(tmp_path: Path) -> None:
    workspace = workspace_with(
        tmp_path / "firma",
        on_failure=appending(tmp_path / "told"),
        on_late=appending(tmp_path / "late"),
        fresh_for_hours=24,
    )
    workspace.state.write_text("no folder")
    assert failed(workspace) == []
    assert (tmp_path / "told").read_text() == "failed "
    assert (tmp_path / "late").read_text() == "late "
