"""A message in the form of each kind of channel: Slack's blocks, Teams' adaptive card, a mail.

Texts go where nothing in them can become a link, a mention, a layout or another header: a file may be called
anything.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime, make_msgid
from typing import Any

from kunderegnskab.news.words import Message

# What Slack takes in one text, and as a headline.
_SLACK_TEXT, _SLACK_TITLE = 3000, 150


def for_slack(message: Message) -> bytes:
    """The JSON that an incoming webhook of Slack takes."""
    facts = [f"{label}: {value}" for label, value in message.facts]
    texts = [part for lines in (message.sentences, facts) for part in _in_parts(lines, _SLACK_TEXT)]
    return _json(
        {
            # What a notification shows. Signs of Slack's own are escaped as it asks for.
            "text": message.title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
            "blocks": [
                {"type": "header", "text": _plain_text(message.title[:_SLACK_TITLE])},
                *({"type": "section", "text": _plain_text(text)} for text in texts),
            ],
        }
    )


def _plain_text(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _in_parts(lines: Sequence[str], longest: int) -> list[str]:
    """The lines in as few texts as hold them."""
    parts: list[str] = []
    for line in lines:
        if parts and len(parts[-1]) + 1 + len(line) <= longest:
            parts[-1] += f"\n{line}"
        else:
            parts.append(line)
    return parts


def for_teams(message: Message) -> bytes:
    """The JSON that a workflow of Teams takes for an adaptive card."""
    # Runs of text, because all other texts of a card are read as Markdown.
    title = {"type": "TextRun", "text": message.title, "weight": "Bolder", "size": "Large"}
    body: list[dict[str, Any]] = [{"type": "RichTextBlock", "inlines": [title]}]
    for sentence in message.sentences:
        body.append({"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": sentence}]})
    if message.facts:
        facts = [{"title": label, "value": value} for label, value in message.facts]
        body.append({"type": "FactSet", "facts": facts})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": message.title,
        "body": body,
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return _json({"type": "message", "attachments": [attachment]})


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def as_mail(message: Message, sender: str, to: Sequence[str]) -> EmailMessage:
    """The message as a mail in plain text.

    Args:
        sender: one address, as `is_address` has it.
        to: likewise.
    """
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = message.title
    mail["From"] = f"Kunderegnskab <{sender}>"
    mail["To"] = ", ".join(to)
    mail["Date"] = localtime()
    # By the sender's name: else it has the name of this machine, which has to be looked up.
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    # Nobody's automatic answer belongs to it.
    mail["Auto-Submitted"] = "auto-generated"
    width = max((len(label) for label, _ in message.facts), default=0) + 2
    facts = [f"{label + ':':<{width}}{value}" for label, value in message.facts]
    paragraphs = [*message.sentences, *(["\n".join(facts)] if facts else [])]
    mail.set_content("\n\n".join(paragraphs) + "\n", charset="utf-8")
    return mail
