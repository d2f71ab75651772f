"""Copies of one model on several ranks must stay one model: where they first differ, and how gradients were averaged.

A parameter that every rank held alike before the first step, and that is not in shards, must be alike on all ranks after
every step, bit for bit: all ranks add the same averaged gradient. Where torch's DistributedDataParallel averages, the
projection of a reduced gradient must be the mean of the ranks' own (`harness_recorder.replicas`).
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.verdicts.verdict import Effect, Fingerprint, Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.traces.trace import Rank, Trace

_OFF = 0.05
"""Relative difference of a reduced gradient from the mean that rounding does not explain, in any dtype that trains."""
_NEAR = 3
"""Steps that must show a wrong mean together."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Where copies first differ.

    Attributes:
        step: 0 before the first one.
        phase: `start`, `backward` if the gradients differ there as well, else `optimizer`.
        parameter: Canonical name.
        rank: The odd one.
        others: How many further parameters differ in that step.
    """

    step: int
    phase: str
    parameter: str
    rank: int
    others: int


@dataclass(frozen=True, slots=True)
class WrongMean:
    """A reduced gradient that is not the mean of the ranks' own.

    Attributes:
        factor: How many times the mean it is.
        parameter, rank: None where most parameters of several ranks are concerned.
    """

    step: int
    factor: float
    parameter: str | None
    rank: int | None

    def judgement(self) -> Judgement:
        """Return the verdict."""
        where = "of most parameters" if self.parameter is None else f"of {self.parameter} on rank {self.rank}"
        said = f"the reduced gradient {where} is {self.factor:.4g} times the mean of the ranks' own at step {self.step}"
        effect = Effect("reduced gradient by the mean of the ranks' own", self.factor, 1.0)
        found = Fingerprint("gradient reduction", self.step, "backward", self.parameter, rank=self.rank)
        return Judgement(Verdict.BAD, said, found, effect)


def judge_replicas(trace: Trace, settings: Any) -> Judgement | None:
    """Return the verdict of copies that are not one model; None where they are, or where nothing can be told.

    Args:
        trace: Of all ranks.
        settings: Of the oracle; `gradients` says whether gradients are to be the mean.
    """
    ranks = [rank for rank in trace.ranks if rank.trace.replicas is not None]
    if len(ranks) < 2 or len({tuple(_names(rank)) for rank in ranks}) > 1:
        return None
    reduction = _first_wrong_mean(ranks) if settings.get("gradients", "mean") == "mean" else None
    drift = first_drift(ranks)
    if drift is None or (reduction is not None and reduction.step <= drift.step):
        return reduction.judgement() if reduction is not None else None
    where = "before the first step" if not drift.step else f"at step {drift.step}"
    more = f" and {drift.others} more parameters" if drift.others else ""
    said = f"rank {drift.rank}: the copies of {drift.parameter}{more} drift apart {where}, {drift.phase}"
    found = Fingerprint("replicas drift", drift.step, drift.phase, drift.parameter, rank=drift.rank)
    return Judgement(Verdict.BAD, said, found)


def first_drift(ranks: Sequence[Rank]) -> Drift | None:
    """Return where the copies of a parameter first differ; None if nowhere, as far as all ranks went."""
    names, sharded = _names(ranks[0]), _facts(ranks[0])["sharded"]
    starts = [_facts(rank)["start"] for rank in ranks]
    averaged = all(_facts(rank)["averaged"] for rank in ranks)
    differ = [place for place in range(len(names)) if not sharded[place] and _odd(starts, place) is not None]
    if differ and averaged:  # which makes copies of the first rank's model
        return _drift((0, "start"), names, ranks, starts, differ)
    copies = [place for place in range(len(names)) if not sharded[place] and place not in differ]
    for events in zip(*(rank.trace.replica for rank in ranks), strict=False):
        weights = [event["weights"] for event in events]
        differ = [place for place in copies if _odd(weights, place) is not None]
        if differ:
            gradients = [event["gradients"] for event in events]
            earlier = [place for place in differ if _odd(gradients, place) is not None]
            phase = "backward" if earlier else "optimizer"
            return _drift((events[0]["step"], phase), names, ranks, weights, earlier or differ)
    return _whole(ranks, names)


def _whole(ranks: Sequence[Rank], names: Sequence[str]) -> Drift | None:
    """Return the first parameter in shards of which ranks have put together unequal wholes."""
    for events in zip(*(rank.trace.whole for rank in ranks), strict=False):
        digests = [event["digests"] for event in events]
        differ = [place for place in range(len(names)) if _odd(digests, place) is not None]
        if differ:
            step = 0 if events[0]["when"] == "start" else len(ranks[0].trace.steps)
            return _drift((step, events[0]["when"]), names, ranks, digests, differ)
    return None


def _drift(
    when: tuple[int, str],
    names: Sequence[str],
    ranks: Sequence[Rank],
    figures: Sequence[Sequence[Any]],
    differ: Sequence[int],
) -> Drift:
    odd = _odd(figures, differ[0])
    assert odd is not None  # noqa: S101 - it differs
    return Drift(*when, names[differ[0]], ranks[odd].number, len(differ) - 1)


def _odd(figures: Sequence[Sequence[Any]], place: int) -> int | None:
    """Return the position of the rank whose figure is unlike most others; None if all are alike. Of two it is the later."""
    column = [str(one[place]) for one in figures]
    if len(set(column)) == 1:
        return None
    usual = Counter(column).most_common(1)[0][0]
    return next(position for position, one in enumerate(column) if one != usual)


def _first_wrong_mean(ranks: Sequence[Rank]) -> WrongMean | None:
    """Return the first gradient that is not the mean of what the ranks computed; None if all are.

    A projection may cancel out, and is all rounding then. So a factor is that of least squares, to which large figures
    count most: over all parameters of a few steps, and over all steps of each parameter.
    """
    if not all(_facts(rank)["averaged"] for rank in ranks):
        return None
    steps = [_means(events) for events in zip(*(rank.trace.replica for rank in ranks), strict=False)]
    for place in range(len(steps)):
        factor = _factor_of(steps[place : place + 1])
        if abs(factor - 1) > _OFF and abs(_factor_of(steps[place : place + _NEAR]) - 1) > _OFF:
            return WrongMean(place + 1, factor, None, None)
    for number, name in enumerate(_names(ranks[0])):
        for position, rank in enumerate(ranks):
            column = [step[position][number] for step in steps]
            factor = _factor(column)
            if abs(factor - 1) > _OFF:
                first = next(place for place, pair in enumerate(column) if abs(_factor([pair]) - 1) > _OFF)
                return WrongMean(first + 1, factor, name, rank.number)
    return None


Means = list[list[tuple[float, float]]]
"""[rank][parameter]: a reduced gradient, and the mean of the ranks' own."""


def _means(events: Sequence[dict[str, Any]]) -> Means:
    count = len(events[0]["own"])
    means = [math.fsum(event["own"][place] for event in events) / len(events) for place in range(count)]
    return [list(zip(event["reduced"], means, strict=True)) for event in events]


def _factor_of(steps: Sequence[Means]) -> float:
    """Return the factor of all parameters of all ranks over a few steps."""
    return _factor([pair for step in steps for pairs in step for pair in pairs])


def _factor(pairs: Sequence[tuple[float, float]]) -> float:
    """Return by what the second ones are to be multiplied to come nearest to the first; 1 if that is not known."""
    finite = [(one, mean) for one, mean in pairs if math.isfinite(one) and math.isfinite(mean)]
    square = math.fsum(mean * mean for _, mean in finite)
    return math.fsum(one * mean for one, mean in finite) / square if square else 1.0


def _names(rank: Rank) -> Sequence[str]:
    return list(_facts(rank)["names"])


def _facts(rank: Rank) -> dict[str, Any]:
    return rank.trace.replicas or {}
