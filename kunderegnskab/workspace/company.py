"""The shape of company.yaml: who the company is and the parameters of its accounts.

How its files are mapped to feeds: see `mapping`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from ipaddress import ip_network
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from kunderegnskab.problems import quoted
from kunderegnskab.workspace.mapping import TimeZone


def _exact(value: object) -> object:
    # YAML reads 0.06 as a binary float; its shortest text is what the person wrote.
    return str(value) if isinstance(value, float) else value


HOOKS = ("on_failure", "on_blocked", "on_published", "on_late", "on_drift", "on_approval")
"""The keys of company.yaml that say who is told of what."""

ExactDecimal = Annotated[Decimal, BeforeValidator(_exact)]


_FROM_ENVIRONMENT = re.compile(r"\$\{[^}]+\}")
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")


class Notice(BaseModel):
    """What a notice to salespeople must say and only the company knows; the notice says what is missing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    audience: str | None = Field(None, description="Who sees figures of single salespeople")
    legal_basis: str | None = Field(None, description="Why they may be processed (GDPR article 6)")
    contact: str | None = Field(None, description="Whom to ask, and to object to")


class Mail(BaseModel):
    """A mail server and whom it sends to. `${NAME}` stands for what the environment has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    server: str = Field(min_length=1, description="Name of the mail server (SMTP)")
    port: int | None = Field(
        None, ge=1, le=65535, strict=True, description="Its port; default 587 for starttls, 465 for tls, 25"
    )
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the way to the server is kept secret; its certificate must be valid"
    )
    user: str | None = Field(None, description="Who logs in")
    password: str | None = Field(None, description="Password, `${NAME}` and nothing else")
    sender: str = Field(description="Address that the mail comes from")
    to: tuple[str, ...] = Field(min_length=1, description="Addresses that it goes to")

    # One for the whole, because a fault of a single key is told with what stands there.
    @model_validator(mode="after")
    def _can_be_sent_by(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together")
        if self.password is not None and not _FROM_ENVIRONMENT.fullmatch(self.password):
            raise ValueError(
                "password must be ${NAME}, the name of a variable of the environment, so that no password "
                "stands in a file"
            )
        if self.password is not None and self.security == "none":
            raise ValueError("a password is sent over starttls or tls only")
        if not all(is_address(each) or "${" in each for each in (self.sender, *self.to)):
            raise ValueError("sender and each of to are one mail address, such as finans@firma.example")
        return self


class Channel(BaseModel):
    """A way to somebody who is told of events. `${NAME}` stands for what the environment has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: tuple[str, ...] = Field((), description="Program and arguments, started without a shell")
    url: str | None = Field(None, description="http(s) address that the event is posted to as JSON")
    headers: dict[str, str] = Field(default_factory=dict, description="Headers of that request")
    slack: str | None = Field(None, description="Address of an incoming webhook of Slack")
    teams: str | None = Field(None, description="Address of a workflow of Teams that takes adaptive cards")
    email: Mail | None = Field(None, description="Mail server and whom it sends to")
    seconds: int = Field(10, ge=1, le=30, strict=True, description="How long it may take")

    @property
    def ways(self) -> int:
        """How many ways it names."""
        return bool(self.command) + sum(
            each is not None for each in (self.url, self.slack, self.teams, self.email)
        )

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        if self.ways != 1:
            raise ValueError(
                "a channel has one of command (a list of arguments), url, slack, teams and email"
            )
        return self

    @model_validator(mode="after")
    def _has_headers_for_url_alone(self) -> Self:
        if self.headers and self.url is None:
            raise ValueError("headers go with url alone")
        return self


class Hook(Channel):
    """Who is told of a kind of event: channels by name, or one that only this hook has."""

    channels: tuple[str, ...] = Field((), description="Names of channels that are told")

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        if self.ways + bool(self.channels) != 1:
            raise ValueError(
                "a hook has one of command (a list of arguments), url, slack, teams, email and channels"
            )
        if self.channels and "seconds" in self.model_fields_set:
            raise ValueError("seconds stands with each channel, not beside channels")
        return self


def is_address(text: str) -> bool:
    """Whether a text is one mail address and nothing else, such as a second one or another header."""
    return _ADDRESS.fullmatch(text) is not None


class PostgresReader(BaseModel):
    """A role of the PostgreSQL server, and what it may read there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: str = Field(min_length=1, description="Name of the role; it must exist on the server")
    sees: Literal["everything", "salesperson", "team"] = Field(
        "everything", description="Everything, what one salesperson may see, or what a team's manager may"
    )
    of: str | None = Field(None, description="Key of the salesperson as in the files, or name of the team")

    @model_validator(mode="after")
    def _says_of_whom(self) -> Self:
        if (self.of is None) != (self.sees == "everything"):
            raise ValueError(
                "a role that sees a salesperson's or a team's rows says of whom, and no other does"
            )
        return self


class Postgres(BaseModel):
    """A PostgreSQL server that receives each publication."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str = Field(
        pattern=r"^postgres(ql)?://",
        description="postgresql://user:${NAME}@host/database; `${NAME}` stands for what the environment has",
    )
    # Two more names are made of it, and PostgreSQL cuts a name off after 63 letters.
    schema_name: str = Field(
        "kunderegnskab",
        alias="schema",
        pattern=r"^[a-z_][a-z0-9_]{0,39}$",
        description="Schema that holds the publication; that of the audit tables has _audit after it",
    )
    readers: tuple[PostgresReader, ...] = Field((), description="Roles that may read")

    @model_validator(mode="after")
    def _names_each_role_once(self) -> Self:
        if len({reader.role for reader in self.readers}) < len(self.readers):
            raise ValueError("a role is listed once among readers")
        return self


class PublishTo(BaseModel):
    """Where publications go besides the folder `published/`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    postgres: Postgres | None = Field(None, description="A PostgreSQL server")


class Proxy(BaseModel):
    """What stands before the web page: it says who somebody is, or only where they come from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    addresses: tuple[str, ...] = Field(
        min_length=1, description="Addresses or networks that are believed; from others the header is ignored"
    )
    header: str | None = Field(
        None,
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,99}$",
        description="The header with the user's name, X-Remote-User; none where people have passwords",
    )

    @field_validator("addresses")
    @classmethod
    def _are_addresses(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        for each in addresses:
            try:
                network = ip_network(each)
            except ValueError:
                raise ValueError(
                    f"{each} is no address such as 10.0.0.5 or network such as 10.0.0.0/24"
                ) from None
            if network.prefixlen == 0:
                raise ValueError(f"{each} is every address, and then anybody could say who they are")
        return addresses


class Web(BaseModel):
    """How the web page (`kunderegnskab serve`) is reached, and how long what it keeps is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hosts: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}$")], ...] = Field(
        (), description="Names under which people reach it, beside localhost"
    )
    proxy: Proxy | None = Field(None, description="What stands before it, and may sign people in")
    access_log_days: int = Field(
        365, ge=1, le=3650, strict=True, description="Days for which it is kept who saw which customer"
    )
    idle_minutes: int = Field(
        60, ge=1, le=1440, strict=True, description="Minutes without a page after which one signs in again"
    )
    session_hours: int = Field(
        12, ge=1, le=168, strict=True, description="Hours after which one signs in again in any case"
    )


class Company(BaseModel):
    """company.yaml. Every key but name and currency has a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, description="Name of the company")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="Currency of the accounts, ISO 4217")
    minor_unit: ExactDecimal = Field(Decimal("0.01"), gt=0, le=1, description="Smallest unit of the currency")
    timezone: TimeZone = Field(
        "Europe/Copenhagen", description="Time zone whose days moments in the files belong to"
    )
    locale: Literal["da", "en"] = Field("da", description="Language and number format of reports")
    fiscal_year_start: int = Field(1, ge=1, le=12, description="Month in which the financial year starts")
    credit_interest_rate: ExactDecimal = Field(
        Decimal("0.06"), ge=0, lt=1, description="Interest per year for credit-time cost"
    )
    day_count: Literal[360, 365] = Field(365, description="Days of a year in interest calculations")
    reconciliation_tolerance: ExactDecimal = Field(
        Decimal("0.00"),
        ge=0,
        description="Unexplained difference to the ledger per month and line that is let by",
    )
    analysis_months: int = Field(
        25,
        ge=1,
        le=36,
        strict=True,
        description="Months, back from the last one, for which price-volume-mix and bridges are made",
    )
    pvm_leaf: Literal["product", "product_group"] = Field(
        "product", description="What price, volume and mix are told apart by: each product, or its group"
    )
    segment_level: Literal["customer", "chain"] = Field(
        "customer", description="What a segment is decided for: each customer, or its chain as one"
    )
    rates: Literal["actual", "standard"] = Field(
        "actual",
        description="What customers are charged of a cost pool by: its actual or its standard rate",
    )
    benchmark_minimum_customers: int = Field(
        8,
        ge=1,
        le=1000,
        strict=True,
        description="Customers that a group must have, beside the one that is compared, to be its benchmark",
    )
    ledger_closed_to: date | None = Field(
        None, description="A day of the last month that is booked in the ledger; later months are not tied"
    )
    approval: Literal["required", "own_portfolio", "none"] = Field(
        "own_portfolio",
        description="Which changes of policy files somebody else than who made them must approve: every one, "
        "those by which a salesperson decides on the own portfolio, or none",
    )
    salesperson_keys: Literal["pseudonym", "plain"] = Field(
        "pseudonym", description="How salespeople are named in what is published: by pseudonym or plain key"
    )
    salesperson_names_kept_months: int = Field(
        36, ge=1, description="Months after their last activity for which salespeople's names are kept"
    )
    notice: Notice = Field(Notice(), description="What the notice to salespeople says of the company")
    keep_publications: int = Field(
        30, ge=2, description="Publications kept whole; older ones keep manifest and report"
    )
    dagster_runs_kept: int = Field(
        20,
        ge=1,
        strict=True,
        description="Runs of which Dagster's page and the logs tell; a run of each last result stays",
    )
    fresh_for_hours: int | None = Field(
        None, ge=1, strict=True, description="Hours after which a publication is too old"
    )
    expected_by: int | None = Field(
        None,
        ge=1,
        le=28,
        strict=True,
        description="Day of the month by whose end each source that is expected monthly has a file of the "
        "month before",
    )
    channels: dict[str, Channel] = Field(
        default_factory=dict, description="Ways to those who are told, by name"
    )
    on_failure: Hook | None = Field(None, description="Who is told when a refresh has failed")
    on_blocked: Hook | None = Field(
        None, description="Who is told when checks have stopped a refresh; default: on_failure"
    )
    on_published: Hook | None = Field(None, description="Who is told when a refresh has published")
    on_late: Hook | None = Field(None, description="Who is told when something is late that was not before")
    on_drift: Hook | None = Field(
        None, description="Who is told when a target's baseline is not what it was published as"
    )
    on_approval: Hook | None = Field(
        None, description="Who is told when a change waits for approval that did not before"
    )
    publish: PublishTo = Field(PublishTo(), description="Where publications go besides published/")
    web: Web = Field(Web(), description="The web page: names, proxy, and what it keeps for how long")

    @model_validator(mode="before")
    @classmethod
    def _asks_for_approval_in_one_way(cls, keys: Any) -> Any:
        if isinstance(keys, dict) and "approval_required" in keys:
            raise ValueError(
                "approval_required is no key any more; write approval: required, which asks for approval of "
                "every change of a policy file, or remove it, and changes by which a salesperson decides on "
                "the own portfolio need approval"
            )
        return keys

    @model_validator(mode="after")
    def _names_channels_that_there_are(self) -> Self:
        if taken := sorted(set(HOOKS) & self.channels.keys()):
            raise ValueError(f"a channel cannot be called {taken[0]}, as a hook is; give it another name")
        for name in HOOKS:
            hook: Hook | None = getattr(self, name)
            for channel in hook.channels if hook else ():
                if channel not in self.channels:
                    known = ", ".join(self.channels) or "none yet"
                    raise ValueError(
                        f"{name} names the channel {quoted(channel)}, which is none of channels ({known}); "
                        "add it there"
                    )
        return self

    @classmethod
    def recorded(cls, parameters: Mapping[str, Any]) -> Self:
        """As a publication or a load recorded it, perhaps with keys of that time which are none any more."""
        return cls.model_validate(
            {k: each for k, each in parameters["company"].items() if k in cls.model_fields}
        )

    def parameters(self) -> dict[str, Any]:
        """What a publication tells of this: all but whom it reaches and how, which has no part in any number.

        There a secret may stand, too.
        """
        return self.model_dump(mode="json", exclude={"channels", *HOOKS, "publish", "web"})
