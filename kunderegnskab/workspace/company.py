"""The shape of company.yaml: who the company is and the parameters of its accounts.

How its files are mapped to feeds: see `mapping`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from kunderegnskab.workspace.mapping import TimeZone


def _exact(value: object) -> object:
    # YAML reads 0.06 as a binary float; its shortest text is what the person wrote.
    return str(value) if isinstance(value, float) else value


ExactDecimal = Annotated[Decimal, BeforeValidator(_exact)]


class Notice(BaseModel):
    """What a notice to salespeople must say and only the company knows; the notice says what is missing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    audience: str | None = Field(None, description="Who sees figures of single salespeople")
    legal_basis: str | None = Field(None, description="Why they may be processed (GDPR article 6)")
    contact: str | None = Field(None, description="Whom to ask, and to object to")


class Hook(BaseModel):
    """What is called for an event: a command or an address. `${NAME}` stands for what the environment has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: tuple[str, ...] = Field((), description="Program and arguments, started without a shell")
    url: str | None = Field(None, description="http(s) address that the event is posted to as JSON")
    headers: dict[str, str] = Field(default_factory=dict, description="Headers of that request")
    seconds: int = Field(10, ge=1, le=30, strict=True, description="How long it may take")

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if bool(self.command) == (self.url is not None):
            raise ValueError("a hook has either a command (a list of arguments) or a url")
        if self.headers and self.url is None:
            raise ValueError("headers go with url, not with command")
        return self


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
    on_failure: Hook | None = Field(None, description="What is called when a refresh has failed")
    on_published: Hook | None = Field(None, description="What is called when a refresh has published")
    on_late: Hook | None = Field(
        None, description="What is called when something is late that was not before"
    )

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

    @classmethod
    def recorded(cls, parameters: Mapping[str, Any]) -> Self:
        """As a publication or a load recorded it, perhaps with keys of that time which are none any more."""
        return cls.model_validate(
            {k: each for k, each in parameters["company"].items() if k in cls.model_fields}
        )

    def parameters(self) -> dict[str, Any]:
        """What a publication tells of this: all but the hooks, in which a secret may stand."""
        return self.model_dump(mode="json", exclude={"on_failure", "on_published", "on_late"})
