"""From what a search knows to its answer: boundaries, conclusion, and why one may be sure of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from harness.search.boundaries import Boundary, Conclusion, conclude
from harness.search.decision import decide
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.search.knowledge import Knowledge, Observation


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search found. Verdicts, boundaries and conclusion come from one decision.

    Attributes:
        conclusion: One of the contract's.
        boundaries: Changes between good and bad, whatever the failure, oldest first; of a two-sided question,
            changes between any two signals.
        other_failures: Changes from one failure to another between bad releases, oldest first.
        confidence: Probability that all boundaries lie where they are said to lie; None without a boundary,
            for nobody can tell what hides between releases that were not probed.
        verdicts: Of every position.
        reason: One sentence: the probes this rests on, and how often each was run.
        support: The observations behind it: of the boundaries' sides, or else all.
        log: One sentence a decision.
        counts: (failures, executions with a verdict) of every position.
        noisy: Two executions of one release disagree on good or bad.
        unchanged: Probability that nothing changes at all; None unless noisy.
        unexecuted: Positions that were never executed, nor assumed.
    """

    conclusion: Conclusion
    boundaries: tuple[Boundary, ...]
    other_failures: tuple[Boundary, ...]
    confidence: float | None
    verdicts: tuple[Verdict, ...]
    reason: str
    support: tuple[Observation, ...]
    log: tuple[str, ...]
    counts: tuple[tuple[int, int], ...] = ()
    noisy: bool = False
    unchanged: float | None = None
    unexecuted: tuple[int, ...] = ()

    @property
    def judged(self) -> tuple[Verdict, ...]:
        """Return the verdict of every release that executions gave one; untested where none did."""
        pairs = zip(self.verdicts, self.counts, strict=True)
        return tuple(verdict if executions else Verdict.UNTESTED for verdict, (_, executions) in pairs)


def answer(known: Knowledge, *, complete: bool) -> Answer:
    """Draw the answer from what is known.

    Args:
        known: Everything observed.
        complete: The search asked all it wanted; otherwise nothing is concluded.
    """
    decision = decide(known)
    stated = decision.stated()
    settled = not decision.noisy or (bool(stated) and all(boundary.confirmed for boundary in stated))
    sides = {side for boundary in stated for side in (boundary.before, boundary.after)}
    support = [o for o in known.observations if not sides or o.position in sides]
    log = list(known.log)
    if decision.noisy and not decision.boundaries:
        log.append(_flaky(known, decision.unchanged or 0.0))
    unexecuted = tuple(p for p, verdict in enumerate(decision.verdicts) if verdict == Verdict.UNTESTED)
    log += _left_open(known, unexecuted, stated=bool(stated))
    return Answer(
        conclusion=conclude(decision.verdicts, decision.boundaries)
        if complete and settled
        else Conclusion.INCONCLUSIVE,
        boundaries=decision.boundaries,
        other_failures=decision.failures,
        confidence=prod(boundary.chance or 0.0 for boundary in decision.boundaries)
        if decision.boundaries
        else None,
        verdicts=decision.verdicts,
        reason=_reason(known, sorted(sides)),
        support=tuple(support),
        log=tuple(log),
        counts=tuple(known.counts(p) for p in range(known.options.count)),
        noisy=decision.noisy,
        unchanged=decision.unchanged,
        unexecuted=unexecuted,
    )


def _left_open(known: Knowledge, unexecuted: Sequence[int], *, stated: bool) -> list[str]:
    """Return a sentence about the releases that were not executed, and one about those of which a prefix was."""
    begun = [position for position in unexecuted if position in known.options.classes]
    left, count = len(unexecuted) - len(begun), known.options.count
    said = (
        f"{left} of {count} releases were not executed: "
        "more changes may lie between two executed releases that are alike"
    )
    of_begun = (
        f"{len(begun)} of {count} releases were executed for their first steps alone: "
        "a change that begins later may lie there"
    )
    return [said] * bool(left and stated) + [of_begun] * bool(begun)


def _flaky(known: Knowledge, unchanged: float) -> str:
    counts = [known.counts(p) for p in range(known.options.count)]
    failures, executions = (sum(column) for column in zip(*counts, strict=True))
    return (
        f"{failures} of {executions} executions fail, and no change was found: "
        f"nothing changes with a probability of {unchanged:.0%}"
    )


def _reason(known: Knowledge, sides: Sequence[int]) -> str:
    if not sides:
        tested = [p for p in range(known.options.count) if known.tested(p)]
        return (
            f"{len(tested)} of {known.options.count} releases probed, {len(known.observations)} runs in all"
        )
    parts = []
    for side in sides:
        bad, runs = known.counts(side)
        assumed = side in known.options.assume
        parts.append(f"{known.name(side)} " + ("assumed" if assumed else f"bad in {bad} of {runs} runs"))
    return "; ".join(parts)
