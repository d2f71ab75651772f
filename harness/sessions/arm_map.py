"""The findings of one arm in the order of its releases, with everything that was no identical job taken out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.report.boundaries import BY_TRAINING
from harness.search.boundaries import Boundary, changes
from harness.sessions.finding import Finding
from harness.sessions.test_arms import arms_of_tests
from harness.traces.compare import beyond, noise_floor
from harness.verdicts.verdict import Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    """

    firsts: Sequence[Finding]
    repeats: Sequence[Sequence[Finding]]
    traces: Sequence[str | None]
    deterministic: bool | None

    def mean_seconds(self) -> float:
        """Return what one execution of a release takes, in seconds; 0 where nothing was executed."""
        seconds = [finding.seconds for finding in self.firsts if finding.result is not None]
        return sum(seconds) / len(seconds) if seconds else 0.0

    def boundaries(self, signal: str) -> list[Boundary]:
        """Return all boundaries in `census` or `trace`."""
        values = [finding.census for finding in self.firsts] if signal == "census" else self.traces
        untested = {place for place, one in enumerate(self.firsts) if one.verdict == Verdict.UNTESTED}
        return [
            replace(
                boundary,
                skipped=tuple(place for place in boundary.skipped if place not in untested),
                untested=tuple(place for place in boundary.skipped if place in untested),
                confirmed=self._again(boundary.before, signal) and self._again(boundary.after, signal),
            )
            for boundary in changes(values)
        ]

    def sides(self) -> set[int]:
        """Return the positions next to a boundary in census, trace or a test that have no untested release between."""
        found = [boundary for signal in BY_TRAINING for boundary in self.boundaries(signal)]
        found += [boundary for arm in arms_of_tests(self.firsts, self.repeats) for boundary in arm.boundaries]
        return {side for one in found if not one.untested for side in (one.before, one.after)}

    def _again(self, position: int, signal: str) -> bool:
        first, repeats = self.firsts[position], self.repeats[position]
        if signal == "census":
            return bool(repeats) and all(repeat.census == first.census for repeat in repeats)
        return bool(repeats) and (
            self.deterministic is False
            or all(repeat.trace_digest == first.trace_digest for repeat in repeats)
        )


def arrange(count: int, findings: Findings, verdicts: Sequence[Verdict] = ()) -> ArmMap:
    """Put the findings in order, with everything that was not an identical job turned into a skip.

    Args:
        count: Number of releases.
        findings: What was executed.
        verdicts: What the search decided of each release; by default what most of its executions gave.
    """
    findings = identical(findings)
    firsts, repeats = [], []
    for position in range(count):
        decided = verdicts[position] if verdicts else None
        first, others = representative(findings.get(position, {}), decided)
        firsts.append(first)
        repeats.append(others)
    deterministic = _deterministic(firsts, repeats)
    return ArmMap(firsts, repeats, _trace_labels(firsts, repeats, deterministic=deterministic), deterministic)


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


def _deterministic(firsts: Sequence[Finding], repeats: Sequence[Sequence[Finding]]) -> bool | None:
    pairs = [
        (first.trace_digest, repeat.trace_digest)
        for first, again in zip(firsts, repeats, strict=True)
        for repeat in again
        if first.trace_digest and repeat.trace_digest
    ]
    return all(one == other for one, other in pairs) if pairs else None


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
