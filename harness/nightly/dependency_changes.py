"""What the packages that all environments share did to the baselines, if they are others than last night."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.version import Version

from harness.errors import HarnessError
from harness.locks.lock import Move, differences
from harness.nightly.answer import Range, answer
from harness.nightly.boundaries import broken
from harness.nightly.moved import blame
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from harness.history.facts import Baseline, Boundary
    from harness.locks.lock import Lock
    from harness.nightly.answer import Answered
    from harness.nightly.config import Watch
    from harness.nightly.examine import Examination, Examined
    from harness.nightly.moved import Blamed
    from harness.sessions.driver import Watcher
    from harness.state import State


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What moved packages did to one arm.

    Attributes:
        now: The baseline with the packages of now.
        blamed: Which of them did it; None if the baseline does what it did, or what it does is known.
        about: The one package that did it, or that had done it and does not any more, from its last good version on.
        lock: Of the baseline, now.
        answered: The run about that package: its releases, all else as it is now.
    """

    now: Examined
    blamed: Blamed | None = None
    about: Move | None = None
    lock: Lock | None = None
    answered: Answered | None = None


def moved(before: Lock, now: Lock, package: str) -> list[Move]:
    """Return what moved besides the package under test."""
    return [move for move in differences(before, now) if move.name != package]


def look(
    examination: Examination,
    before: Lock,
    baselines: Mapping[str, Baseline],
    told: Mapping[str, Sequence[Boundary]],
    night: int,
) -> dict[str, Surroundings]:
    """Return {arm: what moved packages did to it}.

    Args:
        examination: Knows the baselines in the environment of now.
        before: The reference of last night.
        baselines: {arm: its baseline}.
        told: {arm: boundaries that were reported}.
        night: Number of the night.

    Raises:
        HarnessError: The index is out of reach.
    """
    pairs = [(arm, baseline.version) for arm, baseline in baselines.items()]
    examination.settle(pairs, {})
    found = {}
    for arm, version in pairs:
        now = examination.examined(arm, version, None)
        open_ones = [one for one in broken(told[arm]) if one.signal == "pins"]
        differs = now.verdict == Verdict.BAD or now.trace != baselines[arm].trace
        asked = differs and not (open_ones or now.flaky or now.verdict == Verdict.SKIP)
        blamed = blame(examination, before, arm, version, night) if asked else None
        lock = examination.lock(version)
        about = blamed.single if blamed else None
        if open_ones and now.verdict == Verdict.GOOD and lock is not None:
            about = _over(open_ones[-1], lock)
        found[arm] = Surroundings(now, blamed, about, lock)
    return found


def with_answers(
    surroundings: Mapping[str, Surroundings],
    watch: Watch,
    *,
    out: Path,
    started: datetime,
    state: State,
    watcher: Watcher,
) -> dict[str, Surroundings]:
    """Return the same with a run about every package that did it by itself, which is then the one under test.

    Args:
        surroundings: {arm: what moved packages did to it}.
        watch: In which the baselines were executed.
        out: The reports folder.
        started: Of the night; it dates the reports.
        state: Where state lives.
        watcher: Is told how it goes on.
    """
    found = dict(surroundings)
    asked: dict[tuple[Move, str, Lock], list[str]] = {}
    for arm, one in surroundings.items():
        if one.about is not None and one.lock is not None:
            asked.setdefault((one.about, one.now.version, one.lock), []).append(arm)
    for (move, version, lock), arms in asked.items():
        first, last = sorted((str(move.before), str(move.after)), key=Version)
        its = _about(watch, move, version, lock)
        where = Range(_public(first), _public(last))
        try:
            run = answer(its, arms, where, out=out, started=started, state=state, watcher=watcher)
        except HarnessError as error:  # an older build may be gone from the index; what was found still holds
            watcher.note(f"no report about {move.name}: {error}")
            continue
        for arm in arms:
            found[arm] = replace(found[arm], answered=run)
    return found


def _over(told: Boundary, lock: Lock) -> Move | None:
    """Return a package that broke the baseline once and has a newer version now, which may have repaired it."""
    (name, *before), (_, *after) = told.before.split(" "), told.after.split(" ")
    now = lock.versions().get(name)
    if len(before) != 1 or len(after) != 1 or now is None or "absent" in (*before, *after):
        return None
    return Move(name, before[0], now) if Version(now) > Version(after[0]) else None


def _about(watch: Watch, move: Move, version: str, lock: Lock) -> Watch:
    """Return a watch of the package that moved, everything else pinned as it is now."""
    others = {**lock.versions(), watch.package: version}
    pins = tuple(f"{name}=={one}" for name, one in sorted(others.items()) if name != move.name)
    before = any(Version(str(one)).is_prerelease for one in (move.before, move.after))
    return watch.of_package(move.name, pins, prereleases=before)


def _public(version: str) -> str:
    """Return a version as an index lists it, without the label of a build."""
    return Version(version).public
