"""What an event says in words, in the company's language: for people who get it by mail or in a chat.

They are told totals, numbers of things, ids, and sentences of checks and of the program. What quotes records,
such as the rows behind a failed check, stays in the workspace, because nobody knows who reads along. Here
too: what has changed since the publication before, as a refresh shows it. How a message is wrapped up for
each kind of channel belongs in forms.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from babel.numbers import format_decimal

from kunderegnskab.news.events import Event, Kind
from kunderegnskab.problems import one_line
from kunderegnskab.publication.changes import Changes, FileChanges, Span, Totals

Locale = Literal["da", "en"]

# A message is read on a telephone; log and tables have the rest.
_SENTENCES = 12
_LONGEST = 500
_MONTHS = 6

_TITLES: dict[Locale, dict[Kind, str]] = {
    "da": {
        "failed": "Opdateringen fejlede",
        "blocked": "Kontroller har stoppet opdateringen",
        "published": "Nye tal er udgivet",
        "late": "Noget er forsinket",
        "drift": "Et måls udgangspunkt har flyttet sig",
        "approval": "En ændring venter på godkendelse",
        "test": "Prøve af en kanal",
    },
    "en": {
        "failed": "The refresh failed",
        "blocked": "Checks have stopped the refresh",
        "published": "New numbers are published",
        "late": "Something is late",
        "drift": "The baseline of a target has drifted",
        "approval": "A change waits for approval",
        "test": "Test of a channel",
    },
}
_WORDS: dict[Locale, dict[str, str]] = {
    "da": {
        "test": "Kanalen virker: her bliver der fortalt, hvad company.yaml siger.",
        "readers": "Læserne ser stadig udgivelse {name}.",
        "none": "Intet er udgivet endnu.",
        "log": "Loggen: {log}",
        "warnings": "{count} kontroller slog fejl uden at hindre udgivelsen; se kvalitetsrapporten.",
        "warning": "1 kontrol slog fejl uden at hindre udgivelsen; se kvalitetsrapporten.",
        "late": "Forsinket: {sentence}",
        "more": "Og {count} mere; log og tabeller har det hele.",
        "since": "Ændret siden udgivelse {name}:",
        "first": "Det er den første udgivelse.",
        "files": "Filer",
        "file_counts": "{new} nye, {changed} ændret, {gone} væk",
        "others": "Andet, der er ændret",
        "records": "Poster",
        "span": "Seneste tolv måneder",
        "was": "før {span}",
        "twelve": "tolv måneder",
        "all": "alle måneder",
        "net_sales": "Nettoomsætning",
        "db1": "DB I",
        "db2": "DB II",
        "db3": "DB III",
        "customers": "Kunder",
        "customer_counts": "{new} nye, {gone} væk",
        "restated": "Måneder med andre tal",
        "month": "{month}{closed}: nettoomsætning {net_sales}, DB III {db3}, {customers}",
        "customer": "1 kunde",
        "many_customers": "{count} kunder",
        "closed": " (lukket)",
        "months_more": "og {count} måneder før",
        "no_months": "ingen",
        "the program": "programmet",
        "the secret of the pseudonyms": "hemmeligheden bag pseudonymerne",
    },
    "en": {
        "test": "The channel works: what company.yaml says is told here.",
        "readers": "Readers still see publication {name}.",
        "none": "Nothing is published yet.",
        "log": "The log: {log}",
        "warnings": "{count} checks failed without hindering the publication; see the quality report.",
        "warning": "1 check failed without hindering the publication; see the quality report.",
        "late": "Late: {sentence}",
        "more": "And {count} more; log and tables have all.",
        "since": "Changed since publication {name}:",
        "first": "This is the first publication.",
        "files": "Files",
        "file_counts": "{new} new, {changed} changed, {gone} gone",
        "others": "What else has changed",
        "records": "Records",
        "span": "Latest twelve months",
        "was": "before {span}",
        "twelve": "twelve months",
        "all": "all months",
        "net_sales": "Net sales",
        "db1": "DB I",
        "db2": "DB II",
        "db3": "DB III",
        "customers": "Customers",
        "customer_counts": "{new} new, {gone} gone",
        "restated": "Months with other figures",
        "month": "{month}{closed}: net sales {net_sales}, DB III {db3}, {customers}",
        "customer": "1 customer",
        "many_customers": "{count} customers",
        "closed": " (closed)",
        "months_more": "and {count} months before",
        "no_months": "none",
    },
}


@dataclass(frozen=True)
class Message:
    """What a person reads, each text one line without signs that steer a screen or a mail.

    Attributes:
        title: what it is about, and of which company.
        sentences: what there is to say.
        facts: label and value.
    """

    title: str
    sentences: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


def message_of(event: Event, company: str, locale: Locale) -> Message:
    """The event as a person reads it.

    Args:
        company: its name.
    """
    title = one_line(f"{company}: {_TITLES[locale][event.event]}")
    facts = change_facts(event.changes, locale) if event.changes else ()
    sentences = tuple(_cut(each) for each in _sentences(event, locale))
    return Message(title, sentences, tuple((label, _cut(value)) for label, value in facts))


def _sentences(event: Event, locale: Locale) -> Iterator[str]:
    words = _WORDS[locale]
    match event.event:
        case "failed" | "blocked":
            # Lines that are set in quote the records behind the one before.
            plain = [each for each in event.problems if not each.startswith("  ")]
            yield from _few(event.blocked_by or plain, locale)
            yield words["readers"].format(name=event.publication) if event.publication else words["none"]
            if event.log:
                yield words["log"].format(log=event.log)
        case "published":
            if event.changes:
                since = event.changes.since
                yield words["since"].format(name=since) if since else words["first"]
            if event.warnings:
                count = len(event.warnings)
                yield words["warning" if count == 1 else "warnings"].format(count=count)
            yield from _few([words["late"].format(sentence=each) for each in event.late], locale)
        case "late":
            yield from _few(event.late, locale)
        case "drift":
            yield from _few(event.drift, locale)
        case "approval":
            yield from _few(event.approval, locale)
        case "test":
            yield words["test"]


def _few(sentences: Sequence[str], locale: Locale) -> Iterator[str]:
    yield from sentences[:_SENTENCES]
    if len(sentences) > _SENTENCES:
        yield _WORDS[locale]["more"].format(count=len(sentences) - _SENTENCES)


def _cut(text: str) -> str:
    shown = one_line(text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


def change_facts(changes: Changes, locale: Locale) -> tuple[tuple[str, str], ...]:
    """What a publication says otherwise than the one before, as label and value: totals and counts alone."""
    return tuple(_facts(changes, locale))


def _facts(changes: Changes, locale: Locale) -> Iterator[tuple[str, str]]:
    words = _WORDS[locale]
    yield words["files"], _file_counts(changes.files, words)
    if changes.files.others:
        yield words["others"], ", ".join(words.get(each, each) for each in changes.files.others)
    more = None if changes.records_before is None else changes.records - changes.records_before
    yield words["records"], _beside(_whole(changes.records, locale), more, locale, "#,##0")
    yield words["span"], _latest(changes.twelve_months, words)
    for span, of in ((changes.twelve_months, words["twelve"]), (changes.all_months, words["all"])):
        for measure in ("net_sales", "db1", "db2", "db3"):
            now: Decimal = getattr(span.now, measure)
            difference = None if span.before is None else now - getattr(span.before, measure)
            amount = f"{format_decimal(now, '#,##0.00', locale=locale)} {changes.currency}"
            yield f"{words[measure]}, {of}", _beside(amount, difference, locale, "#,##0.00")
        counts = words["customer_counts"].format(new=span.new_customers, gone=span.gone_customers)
        told = f" ({counts})" if span.before else ""
        yield f"{words['customers']}, {of}", f"{_whole(span.now.customers, locale)}{told}"
    if changes.all_months.before is not None:
        yield words["restated"], _restated(changes, locale)


def _file_counts(files: FileChanges, words: dict[str, str]) -> str:
    return words["file_counts"].format(new=len(files.new), changed=len(files.changed), gone=len(files.gone))


def _latest(span: Span, words: dict[str, str]) -> str:
    def months(totals: Totals) -> str:
        return f"{_month(totals.first_month)} - {_month(totals.last_month)}"

    now, before = months(span.now), months(span.before) if span.before else None
    return now if before in (None, now) else f"{now} ({words['was'].format(span=before)})"


def _restated(changes: Changes, locale: Locale) -> str:
    words = _WORDS[locale]
    shown = [
        words["month"].format(
            month=_month(each.month),
            closed=words["closed"] if each.is_closed else "",
            net_sales=_signed(each.net_sales, locale, "#,##0.00"),
            db3=_signed(each.db3, locale, "#,##0.00"),
            customers=words["customer"]
            if each.customers == 1
            else words["many_customers"].format(count=each.customers),
        )
        for each in changes.restated[:_MONTHS]
    ]
    if len(changes.restated) > _MONTHS:
        shown.append(words["months_more"].format(count=len(changes.restated) - _MONTHS))
    return "; ".join(shown) or words["no_months"]


def _beside(shown: str, difference: Decimal | int | None, locale: Locale, form: str) -> str:
    return shown if difference is None else f"{shown} ({_signed(difference, locale, form)})"


def _signed(number: Decimal | int, locale: Locale, form: str) -> str:
    return format_decimal(number, form if number == 0 else f"+{form};-{form}", locale=locale)


def _whole(number: int, locale: Locale) -> str:
    return format_decimal(number, "#,##0", locale=locale)


def _month(day: date | None) -> str:
    return f"{day:%Y-%m}" if day else "-"
