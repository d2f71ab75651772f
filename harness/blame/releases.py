"""From a culprit to its release: an ordinary `bisect` between its two versions, with all other packages held."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from packaging.version import Version

from harness.errors import UsageError
from harness.model.question import Axis, Ends
from harness.releases.index import list_releases
from harness.report.blamed import BoundaryInside
from harness.report.boundaries import verdict_changes
from harness.runs.bisect import bisect
from harness.runs.descend import with_commits
from harness.runs.locked import read_locks
from harness.search.exchange import Likeness, Outcome
from harness.sessions.asked import ask

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from harness.locks.lock import Lock, Move
    from harness.report.model import BoundaryResult, Report
    from harness.sessions.asked import Asked
    from harness.sessions.driver import Watcher
    from harness.state import State


@dataclass(frozen=True, slots=True)
class ReleaseSearch:
    """Searches the release of a package between its two versions.

    Attributes:
        asked: The question about two environments.
        state: Where state lives.
        folder: Of the report; runs are written into `runs` of it.
        watcher: Is told.
        warnings: Takes what a reader must know.
    """

    asked: Asked
    state: State
    folder: Path
    watcher: Watcher
    warnings: list[str]
    _known: dict[tuple[str, str, tuple[str, ...]], BoundaryInside] = field(default_factory=dict)

    def between(self, change: Move) -> bool:
        """Tell whether the index has a release between both versions of a change.

        Raises:
            HarnessError: The index is out of reach.
        """
        if not (change.before and change.after):
            return False
        try:
            listing = list_releases(change.name, self.asked.source.settings(), self.state)
        except UsageError:  # every source answered, and none knows it
            return False
        ends = {Version(change.before), Version(change.after)}
        known = {Version(one.version) for one in listing.releases if not one.yanked}
        return any(min(ends) < one < max(ends) and not one.is_prerelease for one in known - ends)

    def opened(
        self, change: Move, places: Sequence[tuple[str, Lock]], mates: Collection[str]
    ) -> list[BoundaryInside]:
        """Return the boundary of a change where the first way to hold the others has one; none if it has no release.

        Args:
            change: Both its versions are there.
            places: (`good` or `bad`, lock) in which all other packages can be held.
            mates: Packages that require just one of its releases, and so have to go along with each of them.
        """
        found: list[BoundaryInside] = []
        for side, lock in places:
            inside = self.located(change, side, lock, mates)
            if inside is None:
                return found
            found = [inside]
            if inside.good:
                return found
        return found

    def located(self, change: Move, side: str, lock: Lock, mates: Collection[str]) -> BoundaryInside | None:
        """Return the boundary of a change with all but its mates held as in a lock; None if it cannot be asked.

        Raises:
            HarnessError: As `bisect` says.
            KeyboardInterrupt: It was interrupted.
        """
        key = change.name, lock.digest, tuple(sorted(mates))
        if key in self._known:
            return self._known[key]
        assert change.before is not None  # noqa: S101 - both versions are there
        assert change.after is not None  # noqa: S101
        upgrade = Version(change.before) < Version(change.after)
        first, last = (change.before, change.after) if upgrade else (change.after, change.before)
        self.watcher.note(
            f"{change.name} {first} to {last}: searching the release, all else as in the {side} environment"
        )
        try:
            done = bisect(
                self._asked(change.name, first, last, lock, mates, upgrade=upgrade), self.state, self.watcher
            )
        except UsageError as error:
            self.warnings.append(f"the releases of {change.name} cannot be searched: {error}")
            return None
        if done.interrupted:
            raise KeyboardInterrupt
        if source := self.asked.question.plan.commits:
            done = with_commits(done, source, self.asked.place, self.state, self.watcher)
        run = done.folder.relative_to(self.folder).as_posix()
        self._known[key] = inside_of(done.report, done.folder, side, run, mates, upgrade=upgrade)
        return self._known[key]

    def _asked(
        self, name: str, first: str, last: str, lock: Lock, mates: Collection[str], *, upgrade: bool
    ) -> Asked:
        question = self.asked.question
        # Where others may follow, a boundary is wanted that tells them apart, and no map of all releases.
        halving = bool(mates) and question.plan.search == "auto"
        pins = tuple(
            one if one in mates else f"{one}=={version}"
            for one, version in lock.versions().items()
            if one != name
        )
        asked = ask(
            replace(
                question,
                axes=(Axis(package=name, first=first, last=last),),
                ends=Ends(),
                holds=replace(
                    question.holds,
                    pins=pins,
                    python=lock.python,
                    prereleases=Version(first).is_prerelease or Version(last).is_prerelease,
                ),
                job=replace(
                    question.job, arms=() if question.subject.command else (self.asked.arms[0].name,)
                ),
                plan=replace(
                    question.plan,
                    find_fix=not upgrade,
                    search="binary" if halving else question.plan.search,
                ),
            ),
            self.state,
            replace(self.asked.place, out=str(self.folder / "runs")),
        )
        # Another line of the history: the environments around it are not those of the scenario.
        return replace(asked, held=self.asked.held)


def inside_of(
    report: Report, folder: Path, side: str, run: str, mates: Collection[str], *, upgrade: bool
) -> BoundaryInside:
    """Return the boundary nearest to the bad environment's version; empty sides where there is none.

    Args:
        report: Of the run about the releases of one package.
        folder: Of that run.
        side: As which environment all other packages are held.
        run: The folder, seen from the report's about both environments.
        mates: Packages that are free to follow.
        upgrade: The bad environment has the newer version.
    """
    name, arm = report.package, report.arms[0]
    kind = "regressed" if upgrade else "fixed"
    found = [one for one in verdict_changes(arm) if one.kind in (kind, "changed")]
    if not found:
        return BoundaryInside(
            name, arm.conclusion, "", "", upgrade, first=False, confirmed=False, held=side, run=run
        )
    one = found[-1] if upgrade else found[0]
    good, bad = (one.before, one.after) if upgrade else (one.after, one.before)
    locks = read_locks(folder, [bad])
    versions = locks[bad].versions() if bad in locks else {}
    moved = {move["name"] for move in one.moves}
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
        alone=_is_alone(one),
        mates={mate: versions[mate] for mate in sorted(mates) if mate in versions and mate not in moved},
        commits=one.commits,
        hunks=one.hunks,
    )


def _is_alone(boundary: BoundaryResult) -> bool:
    """Tell whether the package alone does it, and no requirement had to be contradicted to show it."""
    answer = boundary.dependencies
    if answer is None:
        return len(boundary.moves) == 1
    wholes = [(boundary.before, Likeness.BEFORE), (boundary.after, Likeness.AFTER)]
    shown = [
        trial
        for release, own in wholes
        if (trial := answer.whole(release)) and trial.likeness == own and not trial.forced
    ]
    return answer.outcome == Outcome.PACKAGE and bool(shown)
