"""Has a night's question answered as any other: a run with its report, written once even if the night was killed."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.version import Version

from harness.errors import HarnessError, UsageError
from harness.model.codec import to_plain
from harness.model.question import Place
from harness.nightly.source import clone_of, is_build
from harness.report.boundaries import located
from harness.runs.bisect import bisect
from harness.runs.descend import descend
from harness.runs.stored import load_report
from harness.sessions.asked import ask
from harness.sessions.source import Index
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from pathlib import Path

    from harness.history.facts import Known
    from harness.model.question import Question
    from harness.nightly.config import Watch
    from harness.nightly.examine import Examined
    from harness.report.model import ArmResult, Report
    from harness.sessions.driver import Watcher
    from harness.state import State


@dataclass(frozen=True, slots=True)
class Range:
    """What one run is about.

    Attributes:
        first, last: Releases.
        left_out: Releases between them that would mislead: their verdicts do not repeat, or nobody is given them.
    """

    first: str
    last: str
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """A run's report, and the name of its folder in the reports folder."""

    report: Report
    run: str

    def arm(self, name: str) -> ArmResult:
        """Return the answer of one arm."""
        return next(arm for arm in self.report.arms if arm.name == name)


def ranges(
    *,
    tested: Sequence[Examined],
    known: Sequence[Known],
    baseline: str,
    listed: Sequence[str],
    unwanted: Collection[str],
    whole: bool,
    anyway: bool,
) -> list[Range]:
    """Return what runs one arm needs: one for each broken release of an older line, and one from the baseline on.

    Args:
        tested: What was executed tonight and has a verdict.
        known: What the line knew before.
        baseline: Version.
        listed: All releases, oldest first.
        unwanted: Yanked ones and such that are not watched: one that was never tested is left out.
        whole: Begin with the oldest of them in place of the baseline.
        anyway: A run is wanted even if nothing new was tested.
    """
    looked_at = {one.version for one in known if one.state in {"settled", "flaky"}}
    left_out = {one.version for one in known if one.state == "flaky"}
    left_out |= {one.version for one in tested if one.flaky}
    left_out |= set(unwanted) - looked_at
    found = []
    for one in tested:
        place = listed.index(one.version)
        older = place > 0 and Version(one.version) < Version(baseline)
        if older and one.verdict == Verdict.BAD and not one.flaky:
            found.append(_range(listed[place - 1], one.version, left_out))
    after = [one.version for one in tested if Version(one.version) > Version(baseline) and not one.flaky]
    if after or anyway:
        settled = (looked_at & set(listed)) - left_out
        first = listed[0] if whole else baseline
        found.append(_range(first, max([baseline, *after, *settled], key=Version), left_out))
    return found


def _range(first: str, last: str, left_out: Collection[str]) -> Range:
    inside = [one for one in left_out if Version(first) < Version(one) < Version(last)]
    return Range(first, last, tuple(sorted(inside, key=Version)))


def answer(
    watch: Watch,
    names: Sequence[str],
    asked: Range,
    *,
    out: Path,
    started: datetime,
    state: State,
    watcher: Watcher,
) -> Answered:
    """Return the answer, from the reports folder if this night wrote it already.

    Args:
        watch: What the question is about.
        names: Of the arms.
        asked: From where to where.
        out: The reports folder.
        started: Of the night; it dates the report.
        state: Where state lives.
        watcher: Is told how it goes on.

    Raises:
        KeyboardInterrupt: It was interrupted.
        HarnessError: As `bisect` says.
    """
    question = watch.of_range(asked.first, asked.last, arms=names, leave_out=asked.left_out)
    stem = f"{started:%Y%m%dT%H%M%SZ}-{watch.scenario.name}"
    found = _written(question, out, stem)
    if found is not None:
        return _followed(found, watch, out, state, watcher)
    for unfinished in out.glob(f".{stem}*.tmp"):
        shutil.rmtree(unfinished, ignore_errors=True)  # left by this night when it was killed
    for taken in out.glob(f"{stem}*"):
        with suppress(OSError):
            taken.rmdir()  # an empty one: the name that it had taken
    ready = replace(ask(question, state, Place(out=str(out), yes=True)), source=Index(watch.own_links))
    done = bisect(ready, state, watcher, started)
    if done.interrupted:
        raise KeyboardInterrupt
    return _followed(Answered(done.report, done.folder.name), watch, out, state, watcher)


def _followed(answered: Answered, watch: Watch, out: Path, state: State, watcher: Watcher) -> Answered:
    """Return the answer with the commit of every break that came with a build of the watch's source."""
    report = answered.report
    for arm in report.arms if watch.source else ():
        for one in located(arm):
            if one.commits is not None or not is_build(one.after):
                continue
            try:
                report = descend(
                    out / answered.run,
                    state,
                    watcher,
                    boundary=f"{one.before}..{one.after}",
                    arm=arm.name,
                    source=str(clone_of(watch.source, state)),
                    own_links=watch.own_links,
                    place=Place(out=str(out), yes=True),
                )
            except HarnessError as error:  # the night goes on: what broke is told without its commit
                watcher.note(f"warning: {one.after} is not followed to its commit: {error}")
    return replace(answered, report=report)


def _written(question: Question, out: Path, stem: str) -> Answered | None:
    """Return the run of this night that answers the question: a night that was killed has written it."""
    for folder in sorted(out.glob(f"{stem}*")):
        try:
            report = load_report(folder)
        except UsageError:
            continue
        if report.question == to_plain(question):
            return Answered(report, folder.name)
    return None
