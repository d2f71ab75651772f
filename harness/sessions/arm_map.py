"""The findings of one arm in the order of its releases, with everything that was no identical job taken out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.report.boundaries import BY_TRAINING
from harness.search.boundaries import Boundary, changes
from harness.search.classes import stand_ins
from harness.sessions.finding import Finding
from harness.sessions.test_arms import arms_of_tests
from harness.traces.compare import beyond, noise_floor
from harness.verdicts.verdict import Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.report.model import PrefixResult

Findings = dict[int, dict[int, Finding]]
"""{position of the release: {repeat: finding}}."""


@dataclass(frozen=True, slots=True)
class ArmMap:
    """The findings of one arm over all releases, in order.

    Attributes:
        firsts: What stands for each release: the first execution with the verdict that most of them gave;
            untested where there is none.
        repeats: All further executions of each release.
        traces: A label for each release, equal where the traces are; None without a training.
        prefixes: {position: what its first steps showed}, of releases that were executed for these alone at first.
    """

    firsts: Sequence[Finding]
    repeats: Sequence[Sequence[Finding]]
    traces: Sequence[str | None]
    deterministic: bool | None
    prefixes: Mapping[int, PrefixResult] = field(default_factory=dict)

    def mean_seconds(self) -> float:
        """Return what one execution of a release takes, in seconds; 0 where nothing was executed."""
        seconds = [finding.seconds for finding in self.firsts if finding.result is not None]
        return sum(seconds) / len(seconds) if seconds else 0.0

    def boundaries(self, signal: str) -> list[Boundary]:
        """Return all boundaries in `census` or `trace`."""
        censuses = [finding.census or self._prefix_census(place) for place, finding in enumerate(self.firsts)]
        values = censuses if signal == "census" else self.traces
        untested = {place for place, one in enumerate(self.firsts) if one.verdict == Verdict.UNTESTED}
        return [
            replace(
                boundary,
                skipped=tuple(place for place in boundary.skipped if place not in untested),
                untested=tuple(place for place in boundary.skipped if place in untested),
                confirmed=all(
                    self._again(side, signal, early=self.early(boundary, signal))
                    for side in (boundary.before, boundary.after)
                ),
            )
            for boundary in changes(values)
        ]

    def sides(self) -> set[int]:
        """Return the positions to execute again: next to a boundary in census, trace or a test.

        Those of a boundary with an untested release between are left out, and those of which `early_sides` are enough.
        """
        found = [boundary for arm in arms_of_tests(self.firsts, self.repeats) for boundary in arm.boundaries]
        every = {side for one in found if not one.untested for side in (one.before, one.after)}
        return every.union(*(self._sides(signal, early=False) for signal in BY_TRAINING))

    def early_sides(self) -> set[int]:
        """Return the positions whose first steps are to be executed again: next to a boundary that shows in these."""
        return set().union(*(self._sides(signal, early=True) for signal in BY_TRAINING))

    def unrepeated(self, position: int) -> bool:
        """Tell whether neither a release nor its first steps were executed again."""
        return not self.repeats[position] and self.prefixes[position].repeated is None

    def _sides(self, signal: str, *, early: bool) -> set[int]:
        whole = [boundary for boundary in self.boundaries(signal) if not boundary.untested]
        return {
            side
            for boundary in whole
            for side in (boundary.before, boundary.after)
            if early == (side in self.prefixes and self.early(boundary, signal))
        }

    def inferred(self) -> dict[int, int]:
        """Return {position executed for its first steps alone: the executed one that stands for it}."""
        states = {
            position: (one.verdict, one.judgement.fingerprint, one.trace_digest)
            for position, one in enumerate(self.firsts)
            if one.verdict in (Verdict.GOOD, Verdict.BAD)
        }
        if not self.deterministic:  # equal first steps would tell nothing
            return {}
        classes = {position: one.digest for position, one in self.prefixes.items()}
        found = stand_ins(len(self.firsts), classes, states, lambda position: position in states)
        return {p: like for p, like in found.items() if self.firsts[p].verdict == Verdict.UNTESTED}

    def early(self, boundary: Boundary, signal: str) -> bool:
        """Tell whether a boundary shows in the first steps already, so that these alone need to be repeated."""
        sides = [self.prefixes.get(side) for side in (boundary.before, boundary.after)]
        if signal not in BY_TRAINING or not any(sides):
            return False
        before, after = sides
        return signal == "census" or before is None or after is None or before.digest != after.digest

    def repeated_steps(self, boundary: Boundary, signal: str) -> int | None:
        """Return how many steps of its sides were executed again; None where all were, or nothing was."""
        sides = [side for side in (boundary.before, boundary.after) if not self.repeats[side]]
        if not sides or not boundary.confirmed or not self.early(boundary, signal):
            return None
        return min(self.prefixes[side].steps for side in sides)

    def _prefix_census(self, position: int) -> str | None:
        untested = self.firsts[position].verdict == Verdict.UNTESTED
        return self.prefixes[position].census if untested and position in self.prefixes else None

    def _again(self, position: int, signal: str, *, early: bool = False) -> bool:
        first, repeats = self.firsts[position], self.repeats[position]
        prefix = self.prefixes.get(position)
        if early and prefix is not None and prefix.repeated is not None and not repeats:
            return prefix.repeated
        if signal == "census":
            return bool(repeats) and all(repeat.census == first.census for repeat in repeats)
        return bool(repeats) and (
            self.deterministic is False
            or all(repeat.trace_digest == first.trace_digest for repeat in repeats)
        )


def arrange(
    count: int,
    findings: Findings,
    verdicts: Sequence[Verdict] = (),
    prefixes: Mapping[int, PrefixResult] | None = None,
) -> ArmMap:
    """Put the findings in order, with everything that was not an identical job turned into a skip.

    Args:
        count: Number of releases.
        findings: What was executed.
        verdicts: What the search decided of each release; by default what most of its executions gave.
        prefixes: {position: what its first steps showed}, of releases that were executed for these alone at first.
    """
    prefixes = prefixes or {}
    findings = identical(findings)
    firsts, repeats = [], []
    for position in range(count):
        decided = verdicts[position] if verdicts else None
        first, others = representative(findings.get(position, {}), decided)
        firsts.append(first)
        repeats.append(others)
    deterministic = _deterministic(firsts, repeats, prefixes.values())
    labels = _trace_labels(firsts, repeats, deterministic=deterministic)
    return ArmMap(firsts, repeats, labels, deterministic, prefixes)


def representative(
    executions: Mapping[int, Finding], decided: Verdict | None = None
) -> tuple[Finding, list[Finding]]:
    """Return the execution that stands for a release, and all others.

    Args:
        executions: {repeat: finding}.
        decided: Verdict of the release; by default what most executions with a verdict gave.
    """
    ordered = [finding for _, finding in sorted(executions.items())]
    if not ordered:
        return Finding(Judgement(Verdict.UNTESTED, "not executed")), []
    votes = Counter(finding.verdict for finding in ordered)
    failures, judged = votes[Verdict.BAD], votes[Verdict.BAD] + votes[Verdict.GOOD]
    if not judged:
        return ordered[0], ordered[1:]
    usual = Verdict.BAD if failures > votes[Verdict.GOOD] else Verdict.GOOD
    if failures == votes[Verdict.GOOD]:
        usual = next(finding.verdict for finding in ordered if finding.verdict != Verdict.SKIP)
    verdict = decided if decided in (Verdict.GOOD, Verdict.BAD) else usual
    first = next((finding for finding in ordered if finding.verdict == verdict), None) or next(
        finding for finding in ordered if finding.verdict == usual
    )
    others = [finding for finding in ordered if finding is not first]
    if failures in (0, judged) and verdict == usual:
        return first, others
    return replace(first, judgement=_of_several(first.judgement, verdict, failures, judged)), others


def _of_several(judgement: Judgement, verdict: Verdict, failures: int, judged: int) -> Judgement:
    """Return the judgement of a release whose executions disagree, among each other or with what was decided."""
    counted = f"fails in {failures} of {judged} executions"
    if judgement.verdict == verdict:
        return replace(judgement, reason=f"{counted}: {judgement.reason}")
    return Judgement(verdict, f"{counted}, which is no change from its neighbours")


def identical(findings: Findings) -> Findings:
    """Turn every execution that did not start as most others did into a skip: it is no evidence."""
    seen = [
        finding.identity
        for position in sorted(findings, reverse=True)
        for finding in findings[position].values()
        if finding.identity
    ]
    usual = Counter(seen).most_common(1)[0][0] if seen else None
    reason = "not identical: start values or batches differ from those of most other releases"
    skipped = Judgement(Verdict.SKIP, reason, skip_kind=SkipKind.NOT_IDENTICAL)
    return {
        position: {
            repeat: replace(finding, judgement=skipped, trace_digest=None, census=None)
            if finding.identity not in (None, usual)
            else finding
            for repeat, finding in repeats.items()
        }
        for position, repeats in findings.items()
    }


def _deterministic(
    firsts: Sequence[Finding], repeats: Sequence[Sequence[Finding]], prefixes: Iterable[PrefixResult]
) -> bool | None:
    equal = [one.repeated for one in prefixes if one.repeated is not None]
    equal += [
        first.trace_digest == repeat.trace_digest
        for first, again in zip(firsts, repeats, strict=True)
        for repeat in again
        if first.trace_digest and repeat.trace_digest
    ]
    return all(equal) if equal else None


def noise_of(firsts: Sequence[Finding], repeats: Sequence[Sequence[Finding]]) -> dict[str, float]:
    """Return, per signal, how far executions of the same release lie apart: of each release the first and its repeats."""
    return noise_floor(
        *(
            [one.trace for one in (first, *again) if one.trace.steps]
            for first, again in zip(firsts, repeats, strict=True)
        )
    )


def _trace_labels(
    firsts: Sequence[Finding], repeats: Sequence[Sequence[Finding]], *, deterministic: bool | None
) -> list[str | None]:
    if deterministic is not False:
        return [finding.trace_digest for finding in firsts]
    floor = noise_of(firsts, repeats)
    labels: list[str | None] = []
    last: Finding | None = None
    for finding in firsts:
        if finding.trace_digest is None:
            labels.append(None)
            continue
        same = last is not None and not beyond(last.trace, finding.trace, floor)
        before = next((label for label in reversed(labels) if label is not None), None)
        labels.append(before if same else finding.trace_digest)
        last = finding
    return labels
