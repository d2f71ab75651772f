"""A release executed in turns with the reference, alone on the machine, until a comparison of their metric decides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.runs.finding import Finding, Turn
from harness.verdicts.oracles import with_defaults
from harness.verdicts.oracles.performance import value_of
from harness.verdicts.pairs import judge_pairs, looks
from harness.verdicts.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.probes.probe import Probe
    from harness.probes.store import Result
    from harness.runs.laboratory import Laboratory
    from harness.scenario import Arm

_FURTHER = 1000
"""Executions are numbered from here on, times the repeat: a comparison that is repeated executes everything anew."""
_ROUND = ((0, 1), (1, 0))
"""Who is executed first in each pair of a round: the reference (0), then the release (1), and the reverse."""


def in_turns(laboratory: Laboratory, arm: Arm, position: int, finding: Finding, repeat: int) -> Finding:
    """Compare a release with the reference, which is executed anew beside every release.

    Args:
        laboratory: Executes; its reference is known.
        arm: Where.
        position: Of the release.
        finding: Of the plain execution, a good one: both sides have been executed before the first pair.
        repeat: Which comparison.
    """
    oracle = with_defaults(laboratory.asked.scenario.oracle)
    reference = laboratory.calibrations[arm.name].reference
    sides = _sides(laboratory, arm, position, reference)
    turns: list[Turn] = []
    judged = finding.judgement
    for look in looks(oracle["confidence"], oracle["pairs"]):
        while len(turns) < look.pairs:
            made = _round(laboratory, sides, repeat * _FURTHER + len(turns))
            if isinstance(made, Judgement):
                return replace(finding, judgement=made, turns=tuple(turns))
            turns += made
        judged = judge_turns(turns, reference, oracle)
        if judged.verdict != Verdict.SKIP:
            break
    return replace(finding, judgement=judged, turns=tuple(turns))


def judge_turns(turns: Sequence[Turn], reference: str, oracle: Mapping[str, Any]) -> Judgement:
    """Judge what was executed in turns; `oracle` may be another one than decided how long to go on."""
    settings = with_defaults(oracle)
    pairs = [
        (value_of(turn.reference.trace(), settings), value_of(turn.release.trace(), settings))
        for turn in turns
    ]
    return judge_pairs(settings["signal"], reference, pairs, settings)


def _sides(laboratory: Laboratory, arm: Arm, position: int, reference: str) -> list[tuple[int, Probe]]:
    """Return position and probe of the reference and of the release, which nobody else's results stand for."""
    own = [release.version for release in laboratory.releases].index(reference)
    digests = [laboratory.probes(arm, place, seeds=1)[0].lock for place in (own, position)]
    return [
        (place, laboratory.probes(arm, place, seeds=1, asked={"beside": [side, *digests]})[0])
        for place, side in ((own, "reference"), (position, "release"))
    ]


def _round(laboratory: Laboratory, sides: Sequence[tuple[int, Probe]], number: int) -> list[Turn] | Judgement:
    """Execute two pairs, or take them if they are stored whole; or return why there are none.

    What an interrupted run left of a round is executed anew, for its other half would come too late.
    """
    numbered = [[(place, replace(probe, repeat=number + one)) for place, probe in sides] for one in range(2)]
    stored = [laboratory.store.find(probe.digest, probe.repeat) for pair in numbered for _, probe in pair]
    if not all(stored):
        for result in filter(None, stored):
            laboratory.store.discard(result)
    turns = []
    for pair, order in zip(numbered, _ROUND, strict=True):
        found: dict[int, Result] = {}
        for side in order:
            place, probe = pair[side]
            finding = laboratory.judged([probe], place)
            one = finding if isinstance(finding, Finding) else finding[0]
            if one.verdict != Verdict.GOOD or one.result is None:
                return _not_compared(one, laboratory.releases[place].version, reference=side == 0)
            found[side] = one.result
        turns.append(Turn(found[0], found[1]))
    return turns


def _not_compared(finding: Finding, version: str, *, reference: bool) -> Judgement:
    """Return what a failure in a pair means: one of the release is the release's, one of the reference tells nothing."""
    said = f"while {version} was executed in turns: {finding.judgement.reason}"
    if reference:
        return Judgement(Verdict.SKIP, f"the reference failed {said}")
    return replace(finding.judgement, reason=said)
