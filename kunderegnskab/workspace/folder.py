"""A workspace: the folder of one company, its paths and its validated configuration.

Landing files are read by `kunderegnskab.ingest`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError

from kunderegnskab.feeds import load_feeds
from kunderegnskab.installation import DEMO_COMPANY, REPOSITORY
from kunderegnskab.problems import InputProblem, InputProblems
from kunderegnskab.workspace.company import Company
from kunderegnskab.workspace.mapping import Format, NumberWrittenOtherwise, Source
from kunderegnskab.workspace.waivers import Waiver

ENVIRONMENT_VARIABLE = "KUNDEREGNSKAB_WORKSPACE"
WAREHOUSE_CATALOG = "kunderegnskab"
"""What DuckDB calls the warehouse, after its file; so do models of dbt."""
DEFAULT_WORKSPACE = Path() if REPOSITORY is None else DEMO_COMPANY
"""In a clone its `data/`; else the folder that the user stands in."""

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class FeedSource:
    """One source of one feed.

    Attributes:
        feed: name of the canonical feed.
        base: folder that `source.files` is relative to.
        source: the mapping.
        label: where the mapping stands, for messages, e.g. `feeds.yaml: sales_lines, source 1`.
        is_canonical: True for files that carry the canonical column names and have no mapping.
    """

    feed: str
    base: Path
    source: Source
    label: str
    is_canonical: bool = False


class Workspace:
    """Paths and configuration of one company's folder. Nothing is read before it is asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    # --- paths ------------------------------------------------------------------------------------
    @property
    def landing(self) -> Path:
        """Source files as they came."""
        return self.root / "landing"

    @property
    def policy(self) -> Path:
        """The company's own rules, as feeds."""
        return self.root / "policy"

    @property
    def lake(self) -> Path:
        """Typed Parquet, one file per landing file."""
        return self.root / "lake"

    @property
    def warehouse(self) -> Path:
        """The working DuckDB file; disposable."""
        return self.root / "warehouse" / f"{WAREHOUSE_CATALOG}.duckdb"

    @property
    def state(self) -> Path:
        """Run history, logs and scratch files; disposable."""
        return self.root / "state"

    @property
    def scenarios(self) -> Path:
        """What was tried of other policies, a folder each; disposable."""
        return self.state / "scenarios"

    @property
    def published(self) -> Path:
        """Publications, append-only."""
        return self.root / "published"

    @property
    def runs(self) -> Path:
        """How the checks of every run went, one file per run, also of runs that published nothing."""
        return self.root / "runs"

    @property
    def personal(self) -> Path:
        """Who is behind the pseudonyms of salespeople; for those who may know."""
        return self.root / "personal"

    def relative(self, path: Path) -> str:
        """A path as messages and the manifest name it: relative to the workspace, with slashes."""
        return Path(os.path.relpath(path, self.root)).as_posix()

    # --- configuration ----------------------------------------------------------------------------
    @cached_property
    def company(self) -> Company:
        """company.yaml, validated."""
        return _validated(Company, _read_yaml(self.root / "company.yaml"), "company.yaml")

    @cached_property
    def waivers(self) -> tuple[Waiver, ...]:
        """waivers.yaml, validated; none where there is no such file."""
        path = self.root / "waivers.yaml"
        if not path.exists():
            return ()
        entries = _read_yaml(path, kind=list)
        return tuple(
            _validated(Waiver, entry, f"waivers.yaml: entry {number}")
            for number, entry in enumerate(entries, start=1)
        )

    @cached_property
    def sources(self) -> tuple[FeedSource, ...]:
        """Every source of every feed, in the order of the contracts: mapped ones and canonical files."""
        return _sources(self)

    def configuration_problems(self) -> list[InputProblem]:
        """Everything that is wrong with the configuration, so that it is found before any work begins."""
        found: list[InputProblem] = []
        for part in ("company", "sources", "waivers"):
            try:
                getattr(self, part)
            except InputProblems as error:
                found.extend(error.problems)
        return found

    def configuration_files(self) -> list[Path]:
        """The configuration files that exist, in a fixed order."""
        names = ("company.yaml", "feeds.yaml", "waivers.yaml")
        return [path for name in names if (path := self.root / name).exists()]


def find_workspace(directory: str | Path | None = None) -> Workspace:
    """The workspace of `directory`, else of the environment, else the default one.

    Raises:
        InputProblems: the folder is no workspace.
    """
    root = Path(directory or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT_WORKSPACE)
    if not (root / "company.yaml").is_file():
        raise InputProblems(
            [
                InputProblem(
                    file=str(root.absolute()),
                    what="is not a workspace, it has no company.yaml",
                    action="name a workspace with --workspace, or make one with `kunderegnskab init DIR`",
                )
            ]
        )
    return Workspace(root)


def _sources(workspace: Workspace) -> tuple[FeedSource, ...]:
    path = workspace.root / "feeds.yaml"
    mapping: dict[str, Any] = _read_yaml(path) if path.exists() else {}
    feeds = load_feeds()
    problems: list[InputProblem] = []
    for name in mapping:
        if name not in feeds:
            problems.append(
                InputProblem("feeds.yaml", f"{name} is not a feed", f"use one of {', '.join(feeds)}")
            )
    found: list[FeedSource] = []
    for name, feed in feeds.items():
        canonical = _canonical_files(workspace, name)
        entries = mapping.get(name) or []
        if entries and canonical:
            problems.append(
                InputProblem(
                    workspace.relative(canonical[0]),
                    f"would feed {name}, but feeds.yaml maps that feed too",
                    "remove one of the two",
                )
            )
        if not isinstance(entries, list):
            problems.append(
                InputProblem(
                    "feeds.yaml", f"{name} must be a list of sources", "begin each source with a dash"
                )
            )
            continue
        for number, entry in enumerate(entries, start=1):
            label = f"feeds.yaml: {name}, source {number}"
            try:
                source = _validated(Source, entry, label)
            except InputProblems as error:
                problems.extend(error.problems)
                continue
            problems.extend(_unfit_mapping(feed.columns, source, label))
            if source.monthly_since is not None and feed.period_column is None:
                problems.append(
                    InputProblem(
                        label,
                        f"the key monthly_since: records of {name} have no date, so no month of them can be "
                        "missing",
                        "remove monthly_since",
                    )
                )
            found.append(FeedSource(name, workspace.landing, source, label))
        found += [canonical_source(workspace, name, file) for file in canonical]
    if problems:
        raise InputProblems(problems)
    return tuple(found)


def canonical_source(workspace: Workspace, feed: str, file: Path) -> FeedSource:
    """A file that carries the canonical column names of a feed, wherever it lies."""
    source = Source(
        files=file.name,
        format=Format(type="parquet" if file.suffix == ".parquet" else "csv"),
        columns={column: column for column in load_feeds()[feed].columns},
    )
    return FeedSource(feed, file.parent, source, workspace.relative(file), is_canonical=True)


def company_with(company: Company, settings: Sequence[str]) -> tuple[Company, dict[str, Any]]:
    """A company's parameters with other values of some, and these values by key.

    Args:
        settings: `key=value`, the value as company.yaml would have it.

    Raises:
        InputProblems: one that cannot stand in company.yaml, or a key that is given twice.
    """
    others: dict[str, Any] = {}
    for setting in settings:
        key, sign, value = setting.partition("=")
        if not sign or not key or key in others:
            what = f"{key} is given twice" if key in others else "has no key and value with = between them"
            raise InputProblems(
                [InputProblem(f"--set {setting}", what, "write one such as --set pvm_leaf=product_group")]
            )
        others[key] = _parsed(value, f"--set {setting}")
    return _validated(Company, {**company.parameters(), **others}, "--set"), others


def _unfit_mapping(columns: Mapping[str, Any], source: Source, label: str) -> list[InputProblem]:
    problems = [
        InputProblem(label, f"{name} is not a column of this feed", f"use one of {', '.join(columns)}")
        for name in sorted(source.mapped - columns.keys())
    ]
    problems += [
        InputProblem(
            label,
            f"values: {name} is {source.values[name]!r}, expected one of {', '.join(column.values)}",
            "correct it",
        )
        for name, column in columns.items()
        if column.values
        and name in source.values
        and source.values[name].lower() not in map(str.lower, column.values)
    ]
    problems += [
        InputProblem(
            label, f"the required column {name} is not mapped", f"map {name} to a column of the source"
        )
        for name, column in columns.items()
        if column.required and column.default is None and name not in source.mapped
    ]
    return problems


def _canonical_files(workspace: Workspace, feed: str) -> list[Path]:
    candidates = (
        workspace.policy / f"{feed}.csv",
        workspace.landing / f"{feed}.csv",
        workspace.landing / f"{feed}.parquet",
    )
    return [path for path in candidates if path.is_file()]


class _Constructor(SafeConstructor):
    """Keeps how a whole number is written where that is not how it is counted: 0123, 0x1F, 1_000."""

    def construct_yaml_int(self, node: Any) -> int:
        """The number, which knows its text."""
        number = int(super().construct_yaml_int(node))
        return number if str(number) == node.value else NumberWrittenOtherwise(number, node.value)


_Constructor.add_constructor("tag:yaml.org,2002:int", _Constructor.construct_yaml_int)


def _read_yaml(path: Path, kind: type = dict) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputProblems(
            [InputProblem(path.name, f"cannot be read ({error.strerror})", "check the file and its rights")]
        ) from error
    except UnicodeDecodeError as error:
        raise _no_yaml(path.name, error) from error
    content = _parsed(text, path.name)
    if content is None:
        content = kind()
    if not isinstance(content, kind):
        expected = "keys with values" if kind is dict else "a list"
        raise InputProblems(
            [InputProblem(path.name, f"must hold {expected}", "see docs/workspace.md for the form")]
        )
    return content


def _parsed(text: str, label: str) -> Any:
    try:
        # YAML 1.2: `NO` is a country and `on` a word, and a key that stands twice is an error.
        yaml = YAML(typ="safe", pure=True)
        yaml.Constructor = _Constructor
        return yaml.load(text)
    except YAMLError as error:
        raise _no_yaml(label, error) from error
    except RecursionError:
        raise InputProblems(
            [
                InputProblem(
                    label,
                    "has more lists or keys within each other than can be read",
                    "write it as docs/workspace.md shows, which needs five levels at most",
                )
            ]
        ) from None


def _no_yaml(label: str, error: Exception) -> InputProblems:
    mark = getattr(error, "problem_mark", None)
    line = f" at line {mark.line + 1}" if mark else ""
    detail = getattr(error, "problem", None) or "it is not UTF-8 text"
    return InputProblems([InputProblem(label, f"is not valid YAML{line}: {detail}", "correct that line")])


def _validated(model: type[_Model], content: Any, label: str) -> _Model:
    """`content` as `model`; every fault becomes one sentence that names the key."""
    try:
        return TypeAdapter(model).validate_python(content)
    except ValidationError as error:
        raise InputProblems([_problem(model, detail, label) for detail in error.errors()]) from error


def _known_keys(model: type[BaseModel], detail: Any) -> str:
    """The keys that the part of the model has in which an unknown one stands."""
    for step in detail["loc"][:-1]:
        field = model.model_fields.get(str(step))
        arguments = (field.annotation, *get_args(field.annotation)) if field else ()
        model = next(
            (each for each in arguments if isinstance(each, type) and issubclass(each, BaseModel)), model
        )
    return ", ".join(model.model_fields)


def _problem(model: type[BaseModel], detail: Any, label: str) -> InputProblem:
    key = ".".join(str(part) for part in detail["loc"])
    match detail["type"]:
        case "missing":
            return InputProblem(label, f"the key {key} is missing", f"add {key}")
        case "extra_forbidden":
            return InputProblem(
                label, f"the key {key} is not known", f"remove it, or use one of {_known_keys(model, detail)}"
            )
        case _:
            message = detail["msg"].removeprefix("Value error, ")
            what = f"the key {key}: {message}" if key else message
            if not isinstance(detail["input"], dict | list):
                what += f", but it is {detail['input']!r}"
            return InputProblem(label, what, "correct it")
