"""From a culprit to its release: an ordinary `bisect` between its two versions, with all other packages held."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.version import Version

from harness.errors import UsageError
from harness.model.question import Axis, Ends
from harness.report.blamed import BoundaryInside
from harness.report.boundaries import verdict_changes
from harness.runs.bisect import bisect
from harness.sessions.asked import ask

if TYPE_CHECKING:
    from harness.blame.investigation import Blaming
    from harness.locks.lock import Lock, Move
    from harness.report.model import ArmResult
    from harness.search.culprits import CulpritSet
    from harness.search.ties import Mixture


def boundaries_inside(blaming: Blaming) -> None:
    """Find the boundary between both versions of every culprit, and put it into `blaming.inside` at once.

    A culprit that is added or removed has no second version; one that nothing separates from another package is left
    as it is, since its releases cannot be had apart.

    Raises:
        HarnessError: As `bisect` says.
        KeyboardInterrupt: It was interrupted.
    """
    answer, prepared = blaming.answer, blaming.prepared
    if answer is None or not answer.conclusion.found or prepared is None or prepared.mixtures is None:
        return
    changes = prepared.mixtures.changes
    for culprits in answer.sets:
        others = frozenset[int]().union(*(one.changes for one in answer.sets if one is not culprits))
        for part in culprits.parts:
            split = next((one for one in blaming.splits if one.unit == part), None)
            change = changes[split.change if split else next(iter(part))]
            mates = {changes[place].name for place in part} - {change.name} if split else set[str]()
            if (split or len(part) == 1) and change.before and change.after:
                places = _held(blaming, culprits, others - culprits.changes)
                _open(blaming, change, places, mates)


def _held(blaming: Blaming, culprits: CulpritSet, others: Mixture) -> list[tuple[str, Lock]]:
    """Return the environments in which the other packages can be held: as in the bad one, then as in the good one."""
    assert blaming.prepared is not None  # noqa: S101 - a search has found culprits
    mixtures = blaming.prepared.mixtures
    assert mixtures is not None  # noqa: S101
    found = []
    for side, mixture in (("bad", mixtures.everything - others), ("good", culprits.mixture)):
        lock, refused, _ = mixtures.lock(mixture)
        if not refused:
            found.append((side, lock))
    return found


def _open(blaming: Blaming, change: Move, places: list[tuple[str, Lock]], mates: set[str]) -> None:
    """Search the boundary of one culprit, where the first way to hold the others allows it."""
    for side, lock in places:
        try:
            inside = _bisected(blaming, change, side, lock, mates)
        except UsageError as error:
            blaming.warnings.append(f"the releases of {change.name} cannot be searched: {error}")
            return
        blaming.inside = [one for one in blaming.inside if one.name != change.name] + [inside]
        if inside.good:
            return


def _bisected(blaming: Blaming, change: Move, side: str, lock: Lock, mates: set[str]) -> BoundaryInside:
    # What requires just one of the culprit's releases has to go along with each of them.
    question, place = blaming.asked.asked.question, blaming.asked.asked.place
    assert change.before is not None  # noqa: S101 - both versions are there
    assert change.after is not None  # noqa: S101
    upgrade = Version(change.before) < Version(change.after)
    first, last = (change.before, change.after) if upgrade else (change.after, change.before)
    pins = tuple(
        name if name in mates else f"{name}=={version}"
        for name, version in lock.versions().items()
        if name != change.name
    )
    blaming.watcher.note(
        f"{change.name} {first} to {last}: searching the release, all else as in the {side} environment"
    )
    asked = ask(
        replace(
            question,
            axes=(Axis(package=change.name, first=first, last=last),),
            ends=Ends(),
            holds=replace(
                question.holds,
                pins=pins,
                python=lock.python,
                prereleases=Version(first).is_prerelease or Version(last).is_prerelease,
            ),
            job=replace(question.job, arms=() if question.subject.command else (blaming.arm,)),
            plan=replace(question.plan, find_fix=not upgrade),
        ),
        blaming.state,
        replace(place, out=str(blaming.folder / "runs")),
    )
    # Another line of the history: the environments around it are not those of the scenario.
    asked = replace(asked, held=blaming.asked.asked.held)
    done = bisect(asked, blaming.state, blaming.plain_watcher)
    if done.interrupted:
        raise KeyboardInterrupt
    run = done.folder.relative_to(blaming.folder).as_posix()
    return _inside(change.name, done.report.arms[0], side, run, upgrade=upgrade)


def _inside(name: str, arm: ArmResult, side: str, run: str, *, upgrade: bool) -> BoundaryInside:
    """Return the boundary nearest to the bad environment's version; empty sides where there is none."""
    kind = "regressed" if upgrade else "fixed"
    found = [one for one in verdict_changes(arm) if one.kind in (kind, "changed")]
    if not found:
        return BoundaryInside(
            name, arm.conclusion, "", "", upgrade, first=False, confirmed=False, held=side, run=run
        )
    one = found[-1] if upgrade else found[0]
    good, bad = (one.before, one.after) if upgrade else (one.after, one.before)
    return BoundaryInside(
        name,
        arm.conclusion,
        good,
        bad,
        upgrade,
        first=not one.skipped and not one.untested,
        confirmed=one.confirmed,
        held=side,
        run=run,
    )
