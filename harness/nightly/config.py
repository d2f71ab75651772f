"""nightly.toml: what to watch, how much it may cost, where reports go; every complaint names file, key and value."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from harness.errors import UsageError
from harness.model.question import Axis, Holds, Job, Plan, Question, Subject
from harness.nightly.keys import BUDGET, TITLE, TOP, TRIES, WATCH
from harness.scenario import load_scenario

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from harness.keys import Key
    from harness.scenario import Arm, Scenario, Setting


@dataclass(frozen=True, slots=True)
class Watch:
    """One package, watched in some arms of one scenario.

    Attributes:
        question: What every night asks; its axis is the package, from the oldest release of the answers' range on, or,
            with None, from the baseline on.
        scenario: Of the question.
        package: Canonical name of the package under test.
        arms: Of the question, with the settings that it changes.
        prereleases: Watch those of the index too; builds of the source are watched anyway.
        source: `git+URL@ref`, or the path of a clone, built each night; empty for releases alone.
        tries: Nights that a release without a verdict is tried again.
        repeat_baseline: Execute the baseline again every night, so that drifts of the machine show.
        refresh: Resolve the shared packages anew every night, so that new releases of them are tried.
        own_links: Folders with builds of the source; a night fills in where it built.
    """

    question: Question
    scenario: Scenario
    package: str
    arms: tuple[Arm, ...]
    prereleases: bool = False
    source: str = ""
    tries: int = TRIES
    repeat_baseline: bool = False
    refresh: bool = False
    own_links: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is called in messages and in the history."""
        return f"{self.package} in {self.scenario.name} ({', '.join(arm.name for arm in self.arms)})"

    @property
    def first(self) -> str | None:
        """Oldest release of the answers' range; None begins them with the baseline."""
        return self.question.axes[0].first

    def of_range(
        self, first: str, last: str, *, arms: Collection[str], leave_out: Sequence[str] = ()
    ) -> Question:
        """Return what is asked of a range of releases.

        Args:
            first: Oldest release.
            last: Newest release.
            arms: Names.
            leave_out: Releases that are no part of the range.
        """
        question = self.question
        return replace(
            question,
            axes=(Axis(package=self.package, first=first, last=last),),
            job=replace(question.job, arms=tuple(arm.name for arm in self.arms if arm.name in arms)),
            plan=replace(question.plan, leave_out=tuple(leave_out)),
        )

    def of_package(self, package: str, pins: Sequence[str], *, prereleases: bool) -> Watch:
        """Return a watch of another package that asks the same, with all else pinned.

        Args:
            package: Canonical name.
            pins: What every environment holds.
            prereleases: Whether pre-releases of it belong to the range, besides those that are watched anyway.
        """
        holds = replace(self.question.holds, pins=tuple(pins), prereleases=self.prereleases or prereleases)
        asked = replace(self.question, axes=(Axis(package=package),), holds=holds)
        return replace(self, question=asked, package=package, source="")


@dataclass(frozen=True, slots=True)
class Config:
    """What nightly.toml says.

    Attributes:
        reports: Folder of the reports; the nights go into `nightly/` in it.
        publish: Folder of the site; None for no site.
        title, url: Of the site.
        probes, minutes: What one night may take up; None without a bound.
    """

    watches: tuple[Watch, ...]
    reports: Path = field(default_factory=lambda: Path("reports"))
    publish: Path | None = None
    title: str = TITLE
    url: str = ""
    probes: int | None = None
    minutes: float | None = None


def load_config(path: Path) -> Config:
    """Read nightly.toml.

    Args:
        path: The file; relative paths in it are seen from its folder.

    Raises:
        UsageError: It is not there, or says something that it may not.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"{path}: there is no such file; it says what to watch, and the least of it is\n"
            '[[watch]]\nscenario = "llama_seq_cls"'
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None
    return _Reader(path, content).config()


class _Reader:
    """Checks the content of one file."""

    def __init__(self, path: Path, content: dict[str, Any]) -> None:
        self.path = path
        self.content = content

    def config(self) -> Config:
        self._check("", self.content, TOP)
        tables = self.content.get("watch", [])
        if not tables:
            raise UsageError(f"{self.path}: nothing to watch: expected at least one [[watch]] table")
        budget = self.content.get("budget", {})
        self._check("budget.", budget, BUDGET)
        folder = self.path.parent
        publish = self.content.get("publish")
        watches = tuple(
            watch
            for count, table in enumerate(tables, 1)
            for watch in self._watches(f"watch[{count}].", table, folder)
        )
        self._once(watches)
        return Config(
            watches=watches,
            reports=folder / self.content.get("reports", "reports"),
            publish=folder / publish if publish else None,
            title=self.content.get("title", TITLE),
            url=self.content.get("url", ""),
            probes=budget.get("probes"),
            minutes=budget.get("minutes"),
        )

    def _watches(self, key: str, table: Mapping[str, Any], folder: Path) -> list[Watch]:
        """Return the watch of a table; of a scenario with two packages one each, beside the newest release of the other."""
        self._check(key, table, WATCH)
        if "scenario" not in table:
            raise UsageError(f"{self.path}: the key {key}scenario is missing")
        subject, scenario = self._scenario(key, table["scenario"], folder)
        if table.get("package") or scenario.also is None:
            package = str(canonicalize_name(table.get("package") or scenario.package))
            return [self._watch(key, table, subject, scenario, package)]
        both = (scenario.package, scenario.also.package)
        for name in ("from", "source"):
            if name in table:
                raise UsageError(
                    f"{self.path}: {key}{name} = {table[name]!r}: {scenario.name} has two packages, {' and '.join(both)}; "
                    "give each a [[watch]] of its own, with `package`"
                )
        # A new release of the one is a shared package of the other one.
        moving = {**table, "refresh": table.get("refresh", True)}
        return [self._watch(key, moving, subject, scenario, package) for package in both]

    def _watch(
        self, key: str, table: Mapping[str, Any], subject: str, scenario: Scenario, package: str
    ) -> Watch:
        arms = self._arms(key, table, scenario)
        source = _source(table.get("source", ""), self.path.parent)
        question = Question(
            subject=Subject(scenario=subject),
            axes=(Axis(package=package, first=table.get("from")),),
            holds=Holds(
                # Builds of a source are development releases.
                prereleases=table.get("pre", False) or bool(source),
                torch=table.get("torch", "auto"),
                device=table.get("device", "auto"),
            ),
            job=Job(
                arms=tuple(arm.name for arm in arms),
                settings=tuple(table.get("set", {}).items()),
                seeds=table.get("seeds", 1),
            ),
            # A night asks whether a training is good: it is bad in whatever way.
            plan=Plan(
                any_failure=True,
                cause=table.get("cause", True),
                remedies=table.get("fixes", False),
                quick_remedies=table.get("fixes", False),
            ),
        )
        return Watch(
            question=question,
            scenario=scenario,
            package=package,
            arms=arms,
            prereleases=table.get("pre", False),
            source=source,
            tries=table.get("tries", TRIES),
            repeat_baseline=table.get("repeat_baseline", False),
            refresh=table.get("refresh", False),
        )

    def _scenario(self, key: str, name: str, folder: Path) -> tuple[str, Scenario]:
        here = folder / name
        subject = str(here) if (here / "scenario.toml").is_file() else name
        try:
            return subject, load_scenario(subject)
        except UsageError as error:
            raise UsageError(f"{self.path}: {key}scenario = {name!r}: {error}") from None

    def _arms(self, key: str, table: Mapping[str, Any], scenario: Scenario) -> tuple[Arm, ...]:
        overrides: dict[str, Setting] = dict(table.get("set", {}))
        try:
            return tuple(
                replace(arm, parameters={**arm.parameters, **overrides})
                for arm in scenario.choose(table.get("arms"))
            )
        except UsageError as error:
            raise UsageError(f"{self.path}: {key}arms = {table['arms']!r}: {error}") from None

    def _once(self, watches: Iterable[Watch]) -> None:
        seen: dict[tuple[str, str, str], int] = {}
        for count, watch in enumerate(watches, 1):
            for arm in watch.arms:
                line = (watch.scenario.name, watch.package, arm.name)
                if line in seen:
                    raise UsageError(
                        f"{self.path}: watch[{seen[line]}] and watch[{count}] both watch {watch.package} in arm "
                        f"{arm.name} of {watch.scenario.name}: an arm has one baseline, so leave it to one of them"
                    )
                seen[line] = count

    def _check(self, prefix: str, table: Mapping[str, Any], allowed: Mapping[str, Key]) -> None:
        for key, value in table.items():
            if key not in allowed:
                close = difflib.get_close_matches(key, allowed, n=1)
                hint = f" (did you mean {close[0]}?)" if close else ""
                raise UsageError(
                    f"{self.path}: unknown key {prefix}{key}{hint}; allowed: {', '.join(allowed)}"
                )
            for wrong in allowed[key].kind.wrong(f"{prefix}{key}", value):
                raise UsageError(f"{self.path}: {wrong}")


def _source(text: str, folder: Path) -> str:
    """Return a source with the path of a clone seen from the file's folder."""
    return text if not text or text.startswith("git+") else str((folder / text).absolute())
