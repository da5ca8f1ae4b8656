"""The workspace of one company: its folder, company.yaml, feeds.yaml and waivers.yaml."""

from __future__ import annotations

from kunderegnskab.workspace.company import Channel, Company, Mail
from kunderegnskab.workspace.folder import (
    DEFAULT_WORKSPACE,
    ENVIRONMENT_VARIABLE,
    WAREHOUSE_CATALOG,
    FeedSource,
    Workspace,
    canonical_source,
    company_with,
    find_workspace,
)
from kunderegnskab.workspace.mapping import Format, Lookup, Source
from kunderegnskab.workspace.waivers import Waiver

__all__ = [
    "DEFAULT_WORKSPACE",
    "ENVIRONMENT_VARIABLE",
    "WAREHOUSE_CATALOG",
    "Channel",
    "Company",
    "FeedSource",
    "Format",
    "Lookup",
    "Mail",
    "Source",
    "Waiver",
    "Workspace",
    "canonical_source",
    "company_with",
    "find_workspace",
]
