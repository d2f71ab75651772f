"""The changes of an arm's verdict as clauses of a sentence, the newest first, and who is said to have made each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.boundaries import TESTED
from harness.report.dependencies import reservation, subject
from harness.report.devices import also_on
from harness.report.gaps import failure_name, gap_of
from harness.report.text import number, one_line
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.report.model import BoundaryResult, ReleaseResult

MOST_CHANGES = 4
"""Changes that a sentence tells; of more, the older ones are counted."""
_VERBS = {"regressed": "broke", "fixed": "repaired"}


def culprit(package: str, boundary: BoundaryResult, *, named: bool) -> str:
    """Return who made the change between two neighbours: the subject of the sentence.

    Args:
        package: The package under test.
        boundary: Its sides are neighbours.
        named: The package is named in the sentence already, so its version is enough.
    """
    return boundary.after if named else f"{package} {boundary.after}"


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of one arm.

    Attributes:
        package: The package under test.
        job: What the job is called.
        boundaries: All of the arm, oldest first in each signal.
        releases: All of the arm, oldest first.
    """

    package: str
    job: str
    boundaries: Sequence[BoundaryResult]
    releases: Sequence[ReleaseResult]

    @property
    def verdict(self) -> list[BoundaryResult]:
        """Those in verdict, oldest first."""
        return [boundary for boundary in self.boundaries if boundary.signal == "verdict"]

    @property
    def complete(self) -> bool:
        """Whether every release has a verdict."""
        return all(release.verdict in TESTED for release in self.releases)

    @property
    def graded(self) -> bool:
        """Whether all changes are for better or worse: then the newest release can be called good or bad."""
        return all(boundary.kind in _VERBS for boundary in self.verdict)

    def clauses(self, *, named: bool) -> list[str]:
        """Return a clause for each of the newest changes, one for the older ones, and those of other failures.

        Args:
            named: A sentence before it names the package.
        """
        newest_first = self.verdict[::-1]
        told = [
            self._clause(boundary, place, named=named or place > 0)
            for place, boundary in enumerate(newest_first[:MOST_CHANGES])
        ]
        more = len(newest_first) - len(told)
        earlier = [f"and {counted(more, 'earlier change')}"] if more else []
        return [*told, *earlier, *self._failures()]

    def unfinished(self, boundary: BoundaryResult) -> str:
        """Return what is known of a change between whose sides releases were not executed."""
        old, new = self._sides(boundary)
        between = gap_of(boundary, self.releases)
        return (
            f"{self.job} is {old} with {self.package} {boundary.before} and {new} with {boundary.after}, so at least "
            f"one change lies between; {between}"
        )

    def _clause(self, boundary: BoundaryResult, place: int, *, named: bool) -> str:
        exact = not boundary.skipped and not boundary.untested
        if boundary.kind not in _VERBS:
            said = self._changed(boundary, exact=exact, named=named)
        elif who := subject(boundary, self.package):  # a dependency changes too
            said = self._with_dependencies(boundary, place, who, exact=exact)
        elif exact:
            said = self._exact(boundary, place, named=named)
        else:
            old, new = self._sides(boundary)
            who = "a release" if place else self.package
            said = f"{who} {self._did(boundary, place)} after {boundary.before} ({old}) and by {boundary.after} ({new})"
        sure = f"{'' if boundary.confirmed else 'not '}confirmed{also_on(boundary)}"
        between = "" if exact else f"; {gap_of(boundary, self.releases)}"
        return f"{said}, {sure}{between}{reservation(boundary, self.package)}"

    def _with_dependencies(self, boundary: BoundaryResult, place: int, who: str, *, exact: bool) -> str:
        """Say what happened where the release alone is not said to have done it."""
        old, new = self._sides(boundary)
        did, package = self._did(boundary, place), self.package
        if exact:
            return f"{who} {did}: last {old} with {package} {boundary.before}, first {new} with {package} {boundary.after}"
        return (
            f"{who} {did} after {package} {boundary.before} ({old}) and by {package} {boundary.after} ({new})"
        )

    def _exact(self, boundary: BoundaryResult, place: int, *, named: bool) -> str:
        old, new = self._sides(boundary)
        who = culprit(self.package, boundary, named=named)
        said = f"{who} {self._did(boundary, place)}"
        if len(self.verdict) == 1 and self.complete:
            return (
                f"{said}: {boundary.before} is the last {old} release, {boundary.after} the first {new} one"
            )
        return f"{said} (last {old} {boundary.before})"

    def _did(self, boundary: BoundaryResult, place: int) -> str:
        """Return verb, object and, where failures differ, the failure: `broke it again with ValueError`."""
        older = self.verdict[: len(self.verdict) - 1 - place]
        again = " again" if any(one.kind == boundary.kind for one in older) else ""
        failure = self._failure(boundary.after) if boundary.kind == "regressed" and self._kinds() else ""
        said = f"{_VERBS[boundary.kind]} {'it' if place else self.job}{again}"
        return f"{said} with {failure}" if failure else said

    def _changed(self, boundary: BoundaryResult, *, exact: bool, named: bool) -> str:
        """Say that a quantity differs, without calling it better or worse."""
        old, new = (self._measured(side) for side in (boundary.before, boundary.after))
        name = new[0] or old[0] or "what is measured"
        values = f": {old[1]} -> {new[1]}" if old[1] and new[1] else ""
        if exact:
            who = subject(boundary, self.package) or culprit(self.package, boundary, named=named)
            return f"{name} changed with {who}{values} (compared with {boundary.before})"
        package = "" if named else f"{self.package} "
        return f"{name} changed after {package}{boundary.before} and by {boundary.after}{values}"

    def _failures(self) -> list[str]:
        """Say where one failure gives way to another."""
        said = []
        for boundary in self._kinds()[-MOST_CHANGES:]:
            old, new = self._failure(boundary.before), self._failure(boundary.after)
            since = (
                f"since {boundary.after}{' at the latest' if boundary.skipped or boundary.untested else ''}"
            )
            if not new or old == new:
                said.append(f"{since} the failure is another one than with {boundary.before}")
            elif self._over(boundary):
                said.append(
                    f"from {boundary.after} on the failure was {new}, before it {old or 'another one'}"
                )
            else:
                said.append(f"{since} the failure is {new}")
        return said

    def _kinds(self) -> list[BoundaryResult]:
        """Return the boundaries between two failures, oldest first."""
        return [one for one in self.boundaries if one.signal == "failure" and one.kind == "changed"]

    def _over(self, boundary: BoundaryResult) -> bool:
        """Tell whether a newer change of the verdict ended a failure."""
        order = {release.version: place for place, release in enumerate(self.releases)}
        place = order.get(boundary.after, 0)
        return any(order.get(change.after, -1) > place for change in self.verdict)

    def _release(self, version: str) -> ReleaseResult | None:
        return next((release for release in self.releases if release.version == version), None)

    def _failure(self, version: str) -> str:
        release = self._release(version)
        return failure_name(release) if release else ""

    def _measured(self, version: str) -> tuple[str, str]:
        """Return the name and the value of what was measured of a release; both may be empty."""
        release = self._release(version)
        effect = (release.effect if release else None) or {}
        value = effect.get("measured")
        return one_line(str(effect.get("signal") or ""), 80), "" if value is None else number(value)

    @staticmethod
    def _sides(boundary: BoundaryResult) -> tuple[str, str]:
        """Return the verdicts of both sides."""
        return ("bad", "good") if boundary.kind == "fixed" else ("good", "bad")
