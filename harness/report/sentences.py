"""The answer of an arm as sentences that a person can quote, made from its facts and complete without anything around.

A sentence claims what its facts carry. "First", "last" and the name of a culprit need neighbours that were executed;
"could not be tested" is said of skips; "nothing broke" needs every release of the range; and what was not executed is
counted, with what follows from it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from harness.report.blame import sentence as of_environments
from harness.report.boundaries import BY_TRAINING, TESTED
from harness.report.changes import Changes
from harness.report.devices import both, called
from harness.report.flakiness import divided, executions
from harness.report.gaps import between, failed_otherwise, gap, reasons, several, way_out
from harness.report.grid_sentences import grid_sentence
from harness.report.inferred import begun
from harness.report.text import capital, one_line
from harness.search.boundaries import Conclusion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.report.model import ArmResult, BoundaryResult, ReleaseResult, Report

_FLAKY_NAMED = 3
"""Releases whose executions disagree that are named one by one."""


def worded(report: Report) -> Report:
    """Return a report whose answers are made from its facts as they are now."""
    if report.blame is not None:
        answered = [replace(arm, answer=of_environments(report.blame, arm)) for arm in report.arms]
        return replace(report, arms=answered)
    return replace(report, arms=[_worded(report, arm) for arm in report.arms])


def _worded(report: Report, arm: ArmResult) -> ArmResult:
    if arm.fault:
        return arm
    if arm.grid is not None:
        return replace(arm, answer=grid_sentence(report.axes, arm))
    return replace(
        arm,
        answer=sentence(report.package, arm.parameters, arm.conclusion, arm.boundaries, arm.releases),
    )


def sentence(
    package: str,
    parameters: Mapping[str, Any],
    conclusion: str,
    boundaries: Sequence[BoundaryResult],
    releases: Sequence[ReleaseResult],
) -> str:
    """Return what was found, never more than what was seen.

    Args:
        package: The package under test.
        parameters: The arm's settings; its dtype tells the reader what was trained.
        conclusion: One of the contract's.
        boundaries: All of the arm.
        releases: All of the arm, oldest first.
    """
    dtype = parameters.get("dtype")
    job = f"{dtype} training" if isinstance(dtype, str) else "the job"
    return _Answer(package, job, conclusion, boundaries, releases).text()


@dataclass(frozen=True, slots=True)
class _Answer:
    package: str
    job: str
    conclusion: str
    boundaries: Sequence[BoundaryResult]
    releases: Sequence[ReleaseResult]

    def text(self) -> str:
        """Return all sentences."""
        if self.conclusion == Conclusion.INCONCLUSIVE:
            return " ".join(f"{one}." for one in self._inconclusive())
        sentences = self._of_changes() if self._changes.verdict else self._without_a_change()
        return " ".join(f"{one}." for one in [*sentences, *self._flaky()])

    @property
    def _changes(self) -> Changes:
        return Changes(self.package, self.job, self.boundaries, self.releases)

    @property
    def _tested(self) -> list[ReleaseResult]:
        return [release for release in self.releases if release.verdict in TESTED]

    def _ends(self) -> tuple[list[ReleaseResult], list[ReleaseResult]]:
        """Return the releases before the first and after the last one that could be tested."""
        places = [place for place, one in enumerate(self.releases) if one.verdict in TESTED]
        return list(self.releases[: places[0]]), list(self.releases[places[-1] + 1 :])

    # -- changes ---------------------------------------------------------------------------------------------

    def _of_changes(self) -> list[str]:
        changes = self._changes
        newest = self._tested[-1]
        stated = len(changes.verdict) > 1 and changes.graded
        return [
            *([f"{self.package} {newest.version} is {newest.verdict}"] if stated else []),
            "; ".join(changes.clauses(named=stated)),
            *self._of_gaps(),
            *self._of_ends(),
            *self._others(),
        ]

    def _of_gaps(self) -> list[str]:
        """Return what a reader can do about the releases that lie between the sides of a change."""
        gaps = [between(change, self.releases) for change in self._changes.verdict]
        return [capital(out) for out in dict.fromkeys(way_out(one, self.package) for one in gaps) if out]

    def _out(self, releases: Sequence[ReleaseResult]) -> str:
        """Return what a reader can do about skipped releases, as an addition to a sentence."""
        out = way_out(releases, self.package)
        return f"; {out}" if out else ""

    def _of_ends(self) -> list[str]:
        """Return a sentence for each end of the range that was executed and has no verdict."""
        said = []
        older, newer = self._ends()
        for end, which in (
            (older, f"{older[-1].version} and earlier" if len(older) > 1 else ""),
            (newer, f"{newer[0].version} and later" if len(newer) > 1 else ""),
        ):
            skipped = [release for release in end if release.verdict == "skip"]
            if skipped:
                clause = gap(skipped, which=which if len(skipped) == len(end) else "")
                said.append(f"{capital(clause)}{self._out(skipped)}")
        return said

    def _others(self) -> list[str]:
        """Return what is left: releases without a verdict that lie neither at an end nor in a boundary told."""
        told = {version for one in self._changes.verdict for version in (*one.skipped, *one.untested)}
        told |= {release.version for end in self._ends() for release in end}
        left = [one for one in self.releases if one.verdict not in TESTED and one.version not in told]
        skipped = [release for release in left if release.verdict == "skip"]
        said = [f"{capital(gap(skipped))}{self._out(skipped)}"] if skipped else []
        said += begun(self.releases)
        unexecuted = sum(
            release.verdict == "untested" and release.prefix is None for release in self.releases
        )
        if unexecuted:
            changes = "further changes" if self._changes.verdict else "changes"
            count = f"{unexecuted} of {len(self.releases)} releases"
            were = "was" if unexecuted == 1 else "were"
            said.append(f"{count} {were} not executed: {changes} may lie there")
        return said

    # -- no change -------------------------------------------------------------------------------------------

    def _without_a_change(self) -> list[str]:
        verdicts = {release.verdict for release in self._tested}
        bad = verdicts == {"bad"}
        older, newer = self._ends()
        if bad:
            return [self._never_good(), *self._raised_elsewhere(), *self._of_ends(), *self._others()]
        if older or newer:
            first, last = self._tested[0].version, self._tested[-1].version
            reach = (
                f"{first} to {last}"
                if older and newer
                else f"up to {last}"
                if newer
                else f"{first} and later"
            )
            said = f"{capital(self.job)} is good with {self.package} {reach} ({self._counted()})"
            return [f"{said}{self._other_signals()}", *self._of_ends(), *self._others()]
        head = "Nothing broke" if len(self._tested) == len(self.releases) else "No break was found"
        return [f"{head}: {self.job} is good with {self._all()}{self._other_signals()}", *self._others()]

    def _never_good(self) -> str:
        reason, count = Counter(release.reason for release in self._tested).most_common(1)[0]
        often = "" if count == len(self._tested) else "most often: "
        head = "No good release" if len(self._tested) == len(self.releases) else "No good release was found"
        places = self._places("failure")
        failures = f", and the failure changes at {places}" if places else ""
        return (
            f"{head}: {self.job} is bad with {self._all()} ({often}{one_line(reason).rstrip('.')}){failures}"
        )

    def _raised_elsewhere(self) -> list[str]:
        """Say whose code raises the error, where all tested releases agree and it is another package's."""
        places = {(release.raised_in, release.raised_version) for release in self._tested}
        name, version = places.pop() if len(places) == 1 else ("", "")
        if not name or canonicalize_name(name) == canonicalize_name(self.package):
            return []
        asks = f"; to ask about it: --package {canonicalize_name(name)}" if version else ""
        return [f"The error is raised in {f'{name} {version}'.rstrip()}{asks}"]

    def _all(self) -> str:
        """Name the releases that have a verdict."""
        tested = self._tested
        if len(tested) == 1:
            return f"{self.package} {tested[0].version}, the one release tested"
        count = f"all {len(tested)}" if len(tested) == len(self.releases) else f"{len(tested)} tested"
        return f"{count} releases of {self.package}, {tested[0].version} to {tested[-1].version}"

    def _counted(self) -> str:
        return f"{len(self._tested)} of {len(self.releases)} releases tested"

    def _other_signals(self) -> str:
        """Say where the census and the traces change although no verdict does."""
        found = {signal: self._places(signal) for signal in BY_TRAINING}
        said = [f"the {signal} changes at {places}" for signal, places in found.items() if places]
        return f", yet {' and '.join(said)}" if said else ""

    def _places(self, signal: str) -> str:
        return ", ".join(f"{one.before} -> {one.after}" for one in self.boundaries if one.signal == signal)

    # -- doubt -----------------------------------------------------------------------------------------------

    def _flaky(self) -> list[str]:
        """Return a sentence about executions of one release that disagree; none where there are none."""
        counts = {one.version: executions(one) for one in self.releases if divided(one)}
        if not counts:
            return []
        if len(counts) <= _FLAKY_NAMED:
            said = ", ".join(
                f"{version} is bad in {bad} of {total}" for version, (bad, total) in counts.items()
            )
            return [f"Executions disagree: {said}"]
        bad, total = (sum(side) for side in zip(*counts.values(), strict=True))
        return [f"Executions of {len(counts)} releases disagree: {bad} of their {total} are bad"]

    def _inconclusive(self) -> list[str]:
        head = f"Inconclusive: {self._why()}"
        settled = [
            one for one in self._changes.verdict if one.confirmed and not one.untested and not one.disputed
        ]
        if not settled or len(settled) == len(self._changes.verdict):
            return [head]
        known = Changes(self.package, self.job, settled, self.releases)
        return [head, f"Located so far: {'; '.join(known.clauses(named=False))}"]

    def _why(self) -> str:
        for one in self._changes.verdict:
            if one.disputed:
                said = "; ".join(f"{called(device)} says {both(one, device)}" for device in one.devices)
                return (
                    f"the devices disagree on {self.job} with {self.package}, so no release is named: {said}"
                )
        if not self._tested:
            return self._nothing_tested()
        for one in reversed(self._changes.verdict):
            if one.untested:
                return self._changes.unfinished(one)
        disagreeing = [release for release in self._tested if divided(release)]
        if disagreeing:
            return self._disagreeing(disagreeing)
        return f"the search is not finished; {self._finished()}"

    def _nothing_tested(self) -> str:
        if all(release.verdict == "untested" for release in self.releases):
            return f"no release of {self.package} was executed"
        out = self._out(self.releases)
        if len(self.releases) == 1:
            return f"{self.package} {gap(self.releases)}{out}"
        if all(release.verdict == "skip" and not failed_otherwise(release) for release in self.releases):
            return f"no release of {self.package} could be tested{reasons(self.releases)}{out}"
        return f"no release of {self.package} is good or bad: {gap(self.releases)}{out}"

    def _disagreeing(self, disagreeing: Sequence[ReleaseResult]) -> str:
        if self._changes.verdict or len(disagreeing) == 1:
            names = several([release.version for release in disagreeing])
            return f"executions of {self.package} {names} disagree, and more of them did not settle it"
        counts = [executions(release) for release in self._tested]
        bad, total = (sum(side) for side in zip(*counts, strict=True))
        return (
            f"{self.job} is flaky. It fails in {bad} of {total} executions over {len(self._tested)} releases of "
            f"{self.package}, executions of {len(disagreeing)} releases disagree, and no change was found"
        )

    def _finished(self) -> str:
        count = len(self._tested)
        have = "has" if count == 1 else "have"
        return f"{count} of {len(self.releases)} releases of {self.package} {have} a verdict"
