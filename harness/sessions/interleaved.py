"""A release interleaved with the reference, alone on the machine, until a comparison of their metric decides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.sessions.finding import Finding, InterleavedPair
from harness.verdicts.comparing import judge_interleaved_with, judge_sides
from harness.verdicts.oracles import looks
from harness.verdicts.verdict import Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.probes.probe import Probe
    from harness.probes.store import Result
    from harness.scenario import Arm
    from harness.sessions.session import Session
    from harness.traces.trace import Trace

_FURTHER = 1000
"""Executions are numbered from here on, times the repeat: a comparison that is repeated executes everything anew. None
has the number 0, under which a process may be started warm."""
_DIRECTLY = 1
"""Executions of a direct comparison are numbered like those of this repeat."""
_ROUND = ((0, 1), (1, 0))
"""Who is executed first in each pair of a round: the reference (0), then the release (1), and the reverse."""


@dataclass(frozen=True, slots=True)
class Direct:
    """The two sides of a boundary, compared with each other directly.

    Attributes:
        judgement: Of the newer side; bad if it differs from the older one, which says nothing of better or worse.
        pairs: The executions, the older side's as the reference's.
    """

    judgement: Judgement
    pairs: tuple[InterleavedPair, ...]

    @property
    def differ(self) -> bool:
        """Tell whether the sides differ beyond noise."""
        return self.judgement.verdict == Verdict.BAD

    def to_dict(self) -> dict[str, Any]:
        """Return what a report keeps of it."""
        return {
            "verdict": "differs" if self.differ else "undecided",
            "reason": self.judgement.reason,
            "effect": self.judgement.effect.to_dict() if self.judgement.effect else None,
            "turns": [pair.to_dict() for pair in self.pairs],
        }


def compare_interleaved(session: Session, arm: Arm, position: int, finding: Finding, repeat: int) -> Finding:
    """Compare a release with the reference, which is executed anew beside every release.

    Args:
        session: Executes; its reference is known.
        arm: Where.
        position: Of the release.
        finding: Of the plain execution, a good one: both sides have been executed before the first pair.
        repeat: Which comparison.
    """
    calibration, oracle = session.calibrations[arm.of or arm.name], session.asked.scenario.oracle
    own = _position(session, calibration.reference)

    def judge(pairs: Sequence[InterleavedPair]) -> Judgement:
        return judge_interleaved_with(calibration, read_pairs(pairs), oracle)

    judged, pairs = _compared(session, arm, (own, position), repeat, judge)
    return replace(finding, judgement=judged, pairs=pairs)


def directly(session: Session, arm: Arm, before: int, after: int, boundaries: int) -> Direct:
    """Compare the two sides of a boundary with each other.

    Args:
        session: Executes; the arm is calibrated.
        arm: Where.
        before: Position of the older side.
        after: Position of the newer side.
        boundaries: How many share the risk.
    """
    calibration, oracle = session.calibrations[arm.of or arm.name], session.asked.scenario.oracle
    version = session.releases[before].version

    def judge(pairs: Sequence[InterleavedPair]) -> Judgement:
        return judge_sides(calibration, version, read_pairs(pairs), oracle, boundaries)

    return Direct(*_compared(session, arm, (before, after), _DIRECTLY, judge))


def read_pairs(pairs: Sequence[InterleavedPair]) -> list[tuple[Trace, Trace]]:
    """Return the traces of interleaved executions."""
    return [(pair.reference.trace(), pair.release.trace()) for pair in pairs]


def _compared(
    session: Session,
    arm: Arm,
    positions: tuple[int, int],
    repeat: int,
    judge: Callable[[Sequence[InterleavedPair]], Judgement],
) -> tuple[Judgement, tuple[InterleavedPair, ...]]:
    """Execute two releases interleaved until a look decides; return the judgement and what it rests on."""
    sides, pairs = _sides(session, arm, positions), list[InterleavedPair]()
    version = session.releases[positions[1]].version
    judged = Judgement(Verdict.SKIP, "undecided: nothing was interleaved", skip_kind=SkipKind.UNDECIDED)
    planned = looks(session.asked.scenario.oracle)
    for look in planned:
        while len(pairs) < look:
            made = _round(session, sides, repeat * _FURTHER + 1 + len(pairs))
            if isinstance(made, Judgement):
                return made, tuple(pairs)
            pairs += made
        judged = judge(pairs)
        if judged.verdict != Verdict.SKIP:
            break
        if look != planned[-1]:
            session.note(f"{arm.name} {version}, {look} of {planned[-1]} pairs: {judged.reason}")
    return judged, tuple(pairs)


def _position(session: Session, version: str) -> int:
    return [release.version for release in session.releases].index(version)


def _sides(session: Session, arm: Arm, positions: tuple[int, int]) -> list[tuple[int, Probe]]:
    """Return position and probe of both releases, which nobody else's results stand for."""
    digests = [session.probes(arm, place, seeds=1)[0].lock for place in positions]
    return [
        (place, session.probes(arm, place, seeds=1, asked={"beside": [side, *digests]})[0])
        for place, side in zip(positions, ("reference", "release"), strict=True)
    ]


def _round(
    session: Session, sides: Sequence[tuple[int, Probe]], number: int
) -> list[InterleavedPair] | Judgement:
    """Execute two pairs, or take them if they are stored whole; or return why there are none.

    What an interrupted run left of a round is executed anew, for its other half would come too late.
    """
    numbered = [[(place, replace(probe, repeat=number + one)) for place, probe in sides] for one in range(2)]
    stored = [session.store.find(probe.digest, probe.repeat) for pair in numbered for _, probe in pair]
    if not all(stored):
        for result in filter(None, stored):
            session.store.discard(result)
    pairs = []
    for pair, order in zip(numbered, _ROUND, strict=True):
        found: dict[int, Result] = {}
        for side in order:
            place, probe = pair[side]
            finding = session.judged([probe], place)
            one = finding if isinstance(finding, Finding) else finding[0]
            if one.verdict != Verdict.GOOD or one.result is None:
                return _not_compared(one, session.releases[place].version, reference=side == 0)
            found[side] = one.result
        pairs.append(InterleavedPair(found[0], found[1]))
    return pairs


def _not_compared(finding: Finding, version: str, *, reference: bool) -> Judgement:
    """Return what a failure in a pair means: one of the release is the release's, one of the reference tells nothing."""
    said = f"while {version} was executed interleaved: {finding.judgement.reason}"
    if reference:
        return Judgement(Verdict.SKIP, f"the reference failed {said}", skip_kind=SkipKind.NOT_COMPARABLE)
    return replace(finding.judgement, reason=said)
