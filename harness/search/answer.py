"""From what a search knows to its answer: boundaries, conclusion, and why one may be sure of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

from harness.search.boundaries import Boundary, Conclusion, changes, conclude, verdict_changes
from harness.search.noisy import Stretch, smoothed, sure, weigh
from harness.verdicts.verdict import Fingerprint, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.search.knowledge import Knowledge, Observation, Signal


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search found.

    Attributes:
        conclusion: One of the contract's.
        boundaries: Those of the failure looked for, oldest first.
        other_failures: Those of any other failure, oldest first; not narrowed for their own sake.
        confidence: Probability that all boundaries lie where they are said to lie; None without a boundary,
            for nobody can tell what hides between releases that were not probed.
        verdicts: Of every position, as to the failure looked for.
        reason: One sentence: the probes this rests on, and how often each was run.
        support: The observations behind it: of the boundaries' sides, or else all.
        log: One sentence a decision.
    """

    conclusion: Conclusion
    boundaries: tuple[Boundary, ...]
    other_failures: tuple[Boundary, ...]
    confidence: float | None
    verdicts: tuple[Verdict, ...]
    reason: str
    support: tuple[Observation, ...]
    log: tuple[str, ...]


def answer(known: Knowledge, *, by_noise_model: bool, complete: bool) -> Answer:
    """Draw the answer from what is known.

    Args:
        known: Everything observed.
        by_noise_model: Take verdicts from the most probable boundary rather than from votes.
        complete: The search asked all it wanted; otherwise nothing is concluded.
    """
    verdicts = smoothed(known) if by_noise_model else known.verdicts()
    settled = sure(known) if by_noise_model else all(known.repeated(p) for p in known.disputed())
    found = [
        replace(
            boundary,
            confirmed=settled and not boundary.untested and _repeated(known, boundary, by_noise_model),
            failure=known.failure if isinstance(known.failure, Fingerprint) else None,
        )
        for boundary in verdict_changes(verdicts)
    ]
    finished = complete and settled and not any(boundary.untested for boundary in found)
    sides = {side for boundary in found for side in (boundary.before, boundary.after)}
    support = [o for o in known.observations if not sides or o.position in sides]
    return Answer(
        conclusion=conclude(verdicts) if finished else Conclusion.INCONCLUSIVE,
        boundaries=tuple(found),
        other_failures=tuple(_other_failures(known)),
        confidence=confidence(known, found) if found else None,
        verdicts=tuple(verdicts),
        reason=_reason(known, sorted(sides)),
        support=tuple(support),
        log=tuple(known.log),
    )


def confidence(known: Knowledge, boundaries: Sequence[Boundary]) -> float:
    """Return the product over boundaries of the noise model's probability between its neighbours."""
    starts = [0, *(boundary.after for boundary in boundaries[:-1])]
    stops = [*(boundary.before for boundary in boundaries[1:]), known.options.count - 1]
    chances = []
    for boundary, first, last in zip(boundaries, starts, stops, strict=True):
        found = weigh(known, Stretch(first, last, boundary.kind == "fixed"))
        between = [
            weight
            for split, weight in found.weights.items()
            if split.regresses == (boundary.kind == "regressed")
            and 0 < split.before < len(found.positions)
            and boundary.before <= found.positions[split.before - 1] < boundary.after
        ]
        chances.append(sum(between))
    return prod(chances)


def _repeated(known: Knowledge, boundary: Boundary, by_noise_model: bool) -> bool:
    """Tell whether both sides ran twice; the noise model has weighed already whether their runs agree."""
    sides = (boundary.before, boundary.after)
    return all(known.repeated(p) or (by_noise_model and known.runs(p) >= 2) for p in sides)


def _other_failures(known: Knowledge) -> list[Boundary]:
    """Return the boundaries with another failure on one side at least, as far as probes happen to tell."""
    signals: list[Signal | None] = [known.signal(p) for p in range(known.options.count)]
    found = []
    for boundary in changes(signals, _kind):
        old, new = signals[boundary.before], signals[boundary.after]
        other = new if isinstance(new, Fingerprint) else old
        if isinstance(other, Fingerprint):
            found.append(
                replace(
                    boundary,
                    skipped=tuple(p for p in boundary.skipped if known.tested(p)),
                    untested=tuple(p for p in boundary.skipped if not known.tested(p)),
                    confirmed=known.repeated(boundary.before) and known.repeated(boundary.after),
                    failure=other,
                )
            )
    return found


def _kind(old: object, new: object) -> str:
    if old == Verdict.GOOD:
        return "regressed"
    return "fixed" if new == Verdict.GOOD else "changed"


def _reason(known: Knowledge, sides: Sequence[int]) -> str:
    if not sides:
        tested = [p for p in range(known.options.count) if known.tested(p)]
        return (
            f"{len(tested)} of {known.options.count} releases probed, {len(known.observations)} runs in all"
        )
    told = []
    for side in sides:
        bad, runs = known.counts(side)
        assumed = side in known.options.assume
        told.append(f"{known.name(side)} " + ("assumed" if assumed else f"bad in {bad} of {runs} runs"))
    return "; ".join(told)
