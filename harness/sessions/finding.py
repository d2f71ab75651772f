"""What is known of one execution of one release in one arm: verdict, trace and where both are stored."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.traces.census import census_digest
from harness.traces.trace import Trace
from harness.verdicts.comparing import judge_beside
from harness.verdicts.judge import judge
from harness.verdicts.oracles import alone, compares, interleaves
from harness.verdicts.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.probes.store import Result
    from harness.verdicts.calibration import Calibration

_RANK = {Verdict.BAD: 0, Verdict.SKIP: 1, Verdict.GOOD: 2, Verdict.UNTESTED: 3}
_NO_REFERENCE = Judgement(
    Verdict.SKIP,
    "there is no reference to compare with: of no release were all executions good by themselves",
)


@dataclass(frozen=True, slots=True)
class InterleavedPair:
    """A pair of executions right after each other, of the reference and of a release; both have the same number."""

    reference: Result
    release: Result

    def to_dict(self) -> dict[str, Any]:
        """Return what a report keeps of it."""
        return {
            "reference": self.reference.probe,
            "release": self.release.probe,
            "repeat": self.release.repeat,
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """One execution, judged; several seeds of one execution are told as their worst.

    Attributes:
        judgement: Verdict and reason.
        lock: Digest, None if there is none.
        result: What is stored; None if nothing was executed.
        trace: Empty if nothing was executed.
        trace_digest: Digest of what all seeds measured; None without a training step.
        census: Digest of the census; None without one.
        identity: Digests of start values and batches, None if the job gives none.
        parts: The findings of the single seeds where there are several.
        pairs: What the release was interleaved with, where the verdict rests on that.
        beside: What the same release did in the arm that it is compared with, and executions of both that say how far
            two of one arm differ.
        timed: The verdict rests on what the machine did, so equal traces do not make it certain.
    """

    judgement: Judgement
    lock: str | None = None
    result: Result | None = None
    trace: Trace = field(default_factory=Trace)
    trace_digest: str | None = None
    census: str | None = None
    identity: str | None = None
    parts: tuple[Finding, ...] = ()
    pairs: tuple[InterleavedPair, ...] = ()
    timed: bool = False
    beside: tuple[Result, ...] = ()

    @classmethod
    def of(cls, result: Result, judgement: Judgement, trace: Trace, lock: str) -> Finding:
        """Put together what one probe gave."""
        identity = trace.identity
        return cls(
            judgement,
            lock,
            result,
            trace,
            trace_digest=trace.digest() if trace.steps else None,
            census=census_digest(trace.census),
            identity=f"{identity.get('start')} {identity.get('batches')}" if identity else None,
        )

    @classmethod
    def judged(cls, result: Result, oracle: Mapping[str, Any], lock: str) -> Finding:
        """Read what one probe gave, and judge it."""
        trace, output = result.read()
        found = cls.of(result, judge(result.execution, trace, oracle, output), trace, lock)
        return replace(found, timed=True) if alone(oracle) else found

    @classmethod
    def worst(cls, findings: Sequence[Finding]) -> Finding:
        """Return the worst of several seeds: one bad seed makes a release bad, and the reason says how many."""
        if len(findings) == 1:
            return findings[0]
        worst = min(findings, key=lambda finding: _RANK[finding.judgement.verdict])
        verdict = worst.judgement.verdict
        count = sum(finding.judgement.verdict == verdict for finding in findings)
        reason = f"{count} of {len(findings)} seeds {verdict}: {worst.judgement.reason}"
        digests = [finding.trace_digest for finding in findings]
        return replace(
            worst,
            judgement=replace(worst.judgement, reason=reason),
            trace_digest=" ".join(digest or "-" for digest in digests) if any(digests) else None,
            identity=" ".join(finding.identity or "-" for finding in findings),
            parts=tuple(findings),
            pairs=findings[0].pairs,
        )

    def seeds(self) -> tuple[Finding, ...]:
        """Return the findings of the single seeds."""
        return self.parts or (self,)

    @classmethod
    def of_seeds(
        cls, findings: Sequence[Finding], oracle: Mapping[str, Any], calibration: Calibration | None
    ) -> Finding:
        """Return the finding of one execution from those of its seeds.

        The worst of them counts; where all are good and they are compared with a reference, that judgement does.
        Without a reference to compare with, there is none.
        """
        worst = cls.worst(findings)
        if worst.verdict == Verdict.GOOD and calibration is None and compares(oracle):
            return replace(worst, judgement=_NO_REFERENCE)
        if calibration is None or worst.verdict != Verdict.GOOD or interleaves(oracle, calibration):
            return worst
        return replace(
            worst, judgement=judge_beside(calibration, [finding.trace for finding in findings], oracle)
        )

    @property
    def seconds(self) -> float:
        """Seconds that all of its executions took."""
        results = [one.result for one in self.seeds()]
        results += [kept for one in self.seeds() for kept in one.beside]
        results += [side for pair in self.pairs for side in (pair.reference, pair.release)]
        return sum(result.execution.seconds for result in results if result is not None)

    @property
    def verdict(self) -> Verdict:
        """Short for the judgement's verdict."""
        return self.judgement.verdict


def executions(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return executions as `ReleaseResult.executions` has them."""
    return [
        {
            "probe": one.result.probe,
            "repeat": one.result.repeat,
            "seed": seed,
            "hash_seed": one.result.hash_seed,
            "isolation": list(one.result.execution.isolation),
            "verdict": one.verdict.value,
            **({"turns": [pair.to_dict() for pair in finding.pairs]} if finding.pairs and not seed else {}),
            **(
                {"beside": [{"probe": kept.probe, "repeat": kept.repeat} for kept in one.beside]}
                if one.beside
                else {}
            ),
        }
        for finding in findings
        for seed, one in enumerate(finding.seeds())
        if one.result is not None
    ]
