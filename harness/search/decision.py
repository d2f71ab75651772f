"""The one decision of a search: verdicts of releases, boundaries, and how sure each one is.

Verdicts are what was seen, as long as no two executions of a release disagree on good or bad. From the first
disagreement on, the noise model decides. Strip, table and headline of a report come from this decision.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from harness.search.boundaries import Boundary, changes, verdict_changes
from harness.search.chains import Level
from harness.search.change_points import Posterior, posterior
from harness.verdicts.verdict import Fingerprint, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.search.knowledge import Knowledge

RESERVE = 1
"""Part of the risk, in units of what the stated boundaries may take together, that is kept where noise is seen.

It covers levels and windows that are rarer in the prior than in the case at hand (`nox -s bench-search`).
"""

MOST_UNMERGED = 120
"""Releases up to which each one is a level of its own in the noise model."""

KEPT = 12
"""Releases at each end of a stretch of equal results that are never merged."""

MOST_CANDIDATES = 60
"""Releases without a result up to which each one is weighed; beyond, some of each gap stand for it."""

IN_GAP = 7
"""Releases that stand for a gap without results, evenly spaced."""


HALF = 0.5 - 1e-9
"""Failure rate from which on all releases are bad where nothing changes: half, whatever the last digit."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is believed of all releases.

    Attributes:
        verdicts: Of every position.
        boundaries: Changes between good and bad, oldest first; of a two-sided question, between any two signals.
        failures: Changes from one failure to another, oldest first; none of a two-sided question.
        noisy: Two executions of one release disagree on good or bad.
        unchanged: Probability that nothing changes at all; None unless noisy.
        doubt: Highest probability that an executed release's verdict is wrong; 0 unless noisy.
    """

    verdicts: tuple[Verdict, ...]
    boundaries: tuple[Boundary, ...]
    failures: tuple[Boundary, ...]
    noisy: bool
    unchanged: float | None
    doubt: float

    def stated(self) -> list[Boundary]:
        """Return all boundaries."""
        return [*self.boundaries, *self.failures]


def decide(known: Knowledge) -> Decision:
    """Return what is believed, as of what is known."""
    return known.derived("decision", lambda: _decide(known))


def _decide(known: Knowledge) -> Decision:
    noisy = known.noisy()
    unchanged, doubt = None, 0.0
    verdicts = [known.verdict(p) for p in range(known.options.count)]
    if noisy:
        weighed = weigh(known)
        unchanged = weighed.posterior.unchanged
        doubt = _smooth(known, weighed, verdicts)
    by_verdict = verdict_changes(verdicts)
    by_failure = failure_changes(known, verdicts)
    shares = max(1, len(by_verdict) + len(by_failure)) * (1 + RESERVE * noisy)
    asked = 1 - (1 - known.options.confidence) / shares
    found = [_sure(known, boundary, _chance(known, boundary), asked) for boundary in by_verdict]
    others = [_sure(known, one, _failure_chance(known, verdicts, one), asked) for one in by_failure]
    if known.options.two_sided:
        every = sorted([*found, *others], key=lambda boundary: boundary.before)
        found, others = [_either_way(known, boundary) for boundary in every], []
    return Decision(tuple(verdicts), tuple(found), tuple(others), noisy, unchanged, doubt)


def _either_way(known: Knowledge, boundary: Boundary) -> Boundary:
    """Return a boundary of a two-sided question: between two values, neither side is the worse one.

    A side that has no value, for it raised an error or was not finite, is worse than one that has.
    """
    failing = boundary.before if boundary.kind == "fixed" else boundary.after
    failure = failure_of(known, failing)
    return boundary if failure is not None and failure.level is None else replace(boundary, kind="changed")


def failure_changes(known: Knowledge, verdicts: Sequence[Verdict]) -> list[Boundary]:
    """Return every change from one failure to another between neighbouring releases that are bad."""
    if len(known.named_failures) < 2:
        return []
    values = [_state(known, position, verdict) for position, verdict in enumerate(verdicts)]
    return [
        replace(
            boundary,
            skipped=tuple(p for p in boundary.skipped if verdicts[p] != Verdict.UNTESTED),
            untested=tuple(p for p in boundary.skipped if verdicts[p] == Verdict.UNTESTED),
        )
        for boundary in changes(values)
        if Verdict.GOOD not in (values[boundary.before], values[boundary.after])
    ]


def _state(known: Knowledge, position: int, verdict: Verdict) -> Verdict | Fingerprint | None:
    """Return good or the failure; None where there is none, and of a failure without a fingerprint."""
    if verdict == Verdict.GOOD:
        return verdict
    return failure_of(known, position) if verdict == Verdict.BAD else None


def failure_of(known: Knowledge, position: int) -> Fingerprint | None:
    """Return the failure that a release shows most often; None where none has a fingerprint."""
    usual = known.signal(position)
    if isinstance(usual, Fingerprint):
        return usual
    for failure, _ in known.failures(position).most_common():
        if isinstance(failure, Fingerprint):
            return failure
    return None


# -- the noise model's view of what is known -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Weighed:
    """A posterior and the releases that its levels stand for."""

    levels: tuple[Level, ...]
    index: Mapping[int, int]
    posterior: Posterior


def weigh(known: Knowledge, *, anywhere: bool = False, ahead: Sequence[tuple[int, bool]] = ()) -> Weighed:
    """Ask the noise model.

    Args:
        known: Everything observed.
        anywhere: Weigh releases without a result too.
        ahead: Executions (position, failed) that are taken for seen.
    """
    return known.derived(
        ("weighed", anywhere, tuple(ahead)),
        lambda: _weighed(known, chain(known, anywhere=anywhere, ahead=ahead)),
    )


def _weighed(known: Knowledge, levels: tuple[Level, ...]) -> Weighed:
    index = {level.position: place for place, level in enumerate(levels)}
    return Weighed(levels, index, posterior(levels, find_fix=known.options.find_fix))


def chain(
    known: Knowledge, *, anywhere: bool = False, ahead: Sequence[tuple[int, bool]] = ()
) -> tuple[Level, ...]:
    """Return what the noise model is asked; the arguments are those of `weigh`."""
    levels = [known.level(p) for p in _positions(known, anywhere=anywhere)]
    for position, failed in ahead:
        levels = [
            level._replace(failures=level.failures + failed, executions=level.executions + 1)
            if level.position == position
            else level
            for level in levels
        ]
    return tuple(_merged(levels)) if len(levels) > MOST_UNMERGED else tuple(levels)


def _positions(known: Knowledge, *, anywhere: bool) -> list[int]:
    testable = known.testable()
    if not anywhere:
        return testable
    untested = known.untested()
    if len(untested) > MOST_CANDIDATES:
        have = set(testable)
        gaps = [list(part) for _, part in groupby(untested, key=lambda p: sum(q < p for q in have))]
        untested = [
            gap[place * len(gap) // (IN_GAP + 1)] for gap in gaps for place in range(1, IN_GAP + 1) if gap
        ]
    return sorted({*testable, *untested})


def _merged(levels: Sequence[Level]) -> Iterator[Level]:
    """Merge the middle of every long stretch whose executions all ended alike: no change is sought there."""

    def result(level: Level) -> object:
        alike = level.assumed is None and level.executions and level.failures in (0, level.executions)
        return level.failures > 0 if alike else level.position

    for _, part in groupby(levels, key=result):
        stretch = list(part)
        middle = stretch[KEPT:-KEPT]
        if len(middle) < 2:
            yield from stretch
            continue
        yield from stretch[:KEPT]
        yield Level(
            middle[len(middle) // 2].position,
            sum(level.failures for level in middle),
            sum(level.executions for level in middle),
        )
        yield from stretch[-KEPT:]


def _smooth(known: Knowledge, weighed: Weighed, verdicts: list[Verdict]) -> float:
    """Replace the verdicts of executed releases by those of the noise model; return the highest doubt."""
    found, doubt = weighed.posterior, 0.0
    same = found.unchanged > 0.5
    chances = found.bad.tolist()
    place = 0
    for position in known.testable():
        # A merged level stands for the releases around it: the index only grows.
        place = weighed.index.get(position, place)
        bad = chances[place]
        is_bad = found.rate >= HALF if same else bad > 0.5
        share = (1 - found.unchanged) * bad
        wrong = 1 - found.unchanged if same else 1 - share if is_bad else share
        doubt = max(doubt, wrong)
        if position not in known.options.assume:
            verdicts[position] = Verdict.BAD if is_bad else Verdict.GOOD
    return doubt


def _chance(known: Knowledge, boundary: Boundary) -> float:
    """Return the probability that the verdict changes between these two, in this direction."""
    if known.deterministic():
        return 1 / (1 + len(boundary.untested))
    weighed = weigh(known)
    side = weighed.posterior.regressed if boundary.kind == "regressed" else weighed.posterior.fixed
    return float(side[weighed.index[boundary.before]])


def _failure_chance(known: Knowledge, verdicts: Sequence[Verdict], boundary: Boundary) -> float:
    """Return the probability that the newer side's failure begins between these two.

    The noise model is asked about the executions that failed: how often is it the newer side's failure?
    """
    if known.deterministic():
        return 1 / (1 + len(boundary.untested))
    newer = failure_of(known, boundary.after)
    levels = []
    for position in known.testable():
        counts = known.failures(position)
        named = sum(count for failure, count in counts.items() if isinstance(failure, Fingerprint))
        if verdicts[position] == Verdict.BAD and named:
            levels.append(Level(position, sum(n for one, n in counts.items() if one == newer), named))
    merged = tuple(_merged(levels)) if len(levels) > MOST_UNMERGED else tuple(levels)
    index = {level.position: place for place, level in enumerate(merged)}
    return float(posterior(merged).regressed[index[boundary.before]])


def _sure(known: Knowledge, boundary: Boundary, chance: float, asked: float) -> Boundary:
    repeated = known.repeated(boundary.before) and known.repeated(boundary.after)
    failing = boundary.before if boundary.kind == "fixed" else boundary.after
    return replace(
        boundary,
        chance=chance,
        confirmed=repeated and not boundary.untested and chance >= asked,
        failure=failure_of(known, failing),
    )
