"""What a scenario tries: files in place of the policy, and other parameters of the company.

Reading the files belongs in kunderegnskab/ingest, what parameters there are in workspace/company.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kunderegnskab.code_version import code_version
from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest.landing import links_out, matching_files, refused_link
from kunderegnskab.problems import InputProblem, InputProblems, KunderegnskabError
from kunderegnskab.publication import store
from kunderegnskab.publication.store import Publication
from kunderegnskab.workspace import Company, FeedSource, Workspace, canonical_source, company_with

# Part of paths: no dots, no slashes.
_NAME = re.compile(r"\w[\w-]{0,59}")
# Those of which no figure follows, and those by which files were read or salespeople named.
_NOT_TRIED = (
    *("name", "timezone", "salesperson_keys", "salesperson_names_kept_months", "notice"),
    *("keep_publications", "dagster_runs_kept", "fresh_for_hours", "expected_by"),
    *("on_failure", "on_published", "on_late", "approval"),
)


class CannotTry(KunderegnskabError):
    """The scenario cannot be built; the text says why and what to do."""


@dataclass(frozen=True)
class Trial:
    """What is tried on the records of a publication.

    Attributes:
        base: the publication whose records these are, and with which it is compared.
        sources: the files that take the place of all that supply their feeds.
        settings: the parameters that are set, by key.
        company: the parameters of the publication, with these in place.
    """

    name: str
    base: Publication
    sources: tuple[FeedSource, ...]
    settings: Mapping[str, Any]
    company: Company

    @property
    def feeds(self) -> frozenset[str]:
        """The feeds whose records are others."""
        return frozenset(source.feed for source in self.sources)


def plan(workspace: Workspace, name: str, policy: Path | None, settings: Sequence[str]) -> Trial:
    """What is to be tried.

    Args:
        policy: folder of files named after feeds of rules and rates.
        settings: `key=value` for keys of company.yaml.

    Raises:
        CannotTry: there is nothing to try, or nothing to try it on.
        InputProblems: files or settings that cannot be used.
    """
    if not _NAME.fullmatch(name):
        raise CannotTry(
            f"A scenario cannot be called {name}; use up to 60 letters, digits, _ and -, for instance "
            "stricter-sizes."
        )
    if policy is None and not settings:
        raise CannotTry("Say what is tried: --policy DIR, --set key=value, or both.")
    base = store.current(workspace.published)
    if base is None:
        raise CannotTry("There is no publication to compare with yet; run `kunderegnskab refresh` first.")
    if base.manifest.code_version != code_version():
        raise CannotTry(
            f"{base.name} was made by version {base.manifest.code_version} of the program, so not all that "
            "differs would come from the policy; run `kunderegnskab refresh` first."
        )
    recorded = Company.recorded(base.manifest.parameters)
    company, others = company_with(recorded, settings)
    _refuse(others)
    sources = _sources(workspace, policy.absolute()) if policy is not None else ()
    return Trial(name, base, sources, others, company)


def _refuse(settings: Mapping[str, Any]) -> None:
    known = ", ".join(key for key in Company.model_fields if key not in _NOT_TRIED)
    problems = [
        InputProblem(
            f"--set {key}",
            "no figure of a scenario can follow from it",
            f"leave it out, or set one of {known}",
        )
        for key in settings
        if key in _NOT_TRIED
    ]
    if problems:
        raise InputProblems(problems)


def _sources(workspace: Workspace, folder: Path) -> tuple[FeedSource, ...]:
    """Every file of the folder, each of which must be one of rules or rates: a misspelt one tries nothing."""
    place = workspace.relative(folder)
    if not folder.is_dir():
        raise InputProblems([InputProblem(place, "is no folder", "name the folder with the files to try")])
    feeds = {name: feed for name, feed in load_feeds().items() if feed.is_policy or feed.is_rate}
    files = matching_files(folder, "*")
    problems = [refused_link(workspace, link, folder) for link in links_out(folder, "*")]
    problems += [
        InputProblem(
            workspace.relative(file),
            "is no file of rules or rates, so a scenario has no use for it",
            f"remove it, or name it one of {', '.join(f'{name}.csv' for name in feeds)}",
        )
        for file in files
        if file.suffix != ".csv" or file.stem not in feeds
    ]
    if not files and not problems:
        problems.append(InputProblem(place, "holds no file", "put the files to try there"))
    if problems:
        raise InputProblems(problems)
    found = {file.stem: file for file in files}
    return tuple(canonical_source(workspace, name, found[name]) for name in feeds if name in found)
