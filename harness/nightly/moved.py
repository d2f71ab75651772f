"""Finds out which of the moved packages changed what a baseline does: none is named that was not tried both ways.

It is a blame between the environment of last night and the one of now, in one arm, by the engine of every other one
(`harness.cause.mixtures`). What is found is believed if last night's packages with it alone do as those of now, and
those of now without it do as last night's, at least twice each in clean processes.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.cause.mixed_locks import MixedLocks
from harness.cause.mixtures import Mixtures, growing
from harness.environments.requirements import requirements
from harness.locks.lock import differences
from harness.locks.resolve import Unresolvable
from harness.search.culprits import Conclusion
from harness.search.difference import Difference
from harness.search.mixtures import MOST_REPEATS, Outcome
from harness.sessions.driver import Driver
from harness.traces.compare import beyond, noise_floor
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from harness.locks.lock import Lock, Move
    from harness.nightly.examine import Examination
    from harness.search.culprits import Answer
    from harness.search.ties import Mixture
    from harness.sessions.finding import Finding
    from harness.sessions.session import Session

_MOST = 100
"""Executions in one arm."""
_TWICE = 2
"""Executions of both environments before the search."""
_FURTHER, _A_NIGHT = 2000, MOST_REPEATS + 1
"""Executions are numbered from the first on, so many a night: what an earlier night executed is no evidence of now."""


@dataclass(frozen=True, slots=True)
class Blamed:
    """What moved packages did to a baseline in one arm.

    Attributes:
        sets: The packages that did it; each set by itself, most often one of one. Empty if nobody can tell.
        units: Those of the sets whose packages cannot be had apart.
        along: Packages without which those of now cannot be had but for the culprits.
        undecided: Why nobody can tell.
        elsewhere: It is so with last night's packages too, so that no moved package did it.
    """

    sets: tuple[tuple[Move, ...], ...] = ()
    units: tuple[tuple[Move, ...], ...] = ()
    along: tuple[Move, ...] = ()
    undecided: str = ""
    elsewhere: bool = False

    @property
    def single(self) -> Move | None:
        """The one package that did it, if it is one, and both its versions are there."""
        if len(self.sets) != 1 or len(self.sets[0]) != 1:
            return None
        move = self.sets[0][0]
        return move if move.before and move.after and move.before != move.after else None


class _UndecidedError(Exception):
    """Carries why nobody can tell."""

    def __init__(self, why: str, *, elsewhere: bool = False) -> None:
        super().__init__(why)
        self.elsewhere = elsewhere


def blame(examination: Examination, before: Lock, arm: str, version: str, night: int) -> Blamed | None:
    """Return which packages did it; None if the baseline does what it did with last night's.

    Args:
        examination: Has executed the baseline in the environment of now.
        before: The reference of last night.
        arm: Name.
        version: The baseline.
        night: Number of the night.

    Raises:
        HarnessError: The index is out of reach.
    """
    try:
        with _mixtures(examination, before, arm, version, _FURTHER + _A_NIGHT * night) as mixtures:
            return _searched(mixtures)
    except _UndecidedError as error:
        return Blamed(undecided=str(error), elsewhere=error.elsewhere)


def _searched(mixtures: Mixtures) -> Blamed | None:
    """Execute both environments, and search which of the moved packages does it."""
    session, locks = mixtures.session, mixtures.locks
    old, new = (mixtures.executed(end, _TWICE) for end in (frozenset[int](), locks.everything))
    judge = _judge(old, new)
    if judge is None:
        return None
    mixtures.driver.watcher.note(f"searching which of {len(locks.changes)} moved packages did it")
    for lock in (locks.good, locks.bad):
        locks.requirements |= requirements(session.environments, lock, make=session.provider.here)
    search = Difference(len(locks.changes), ties=locks.ties(), budget=_MOST)
    mixtures.begin(search, judge)
    mixtures.execute(search, judge)
    return _blamed(locks.changes, search.answer())


def _blamed(moves: Sequence[Move], answer: Answer) -> Blamed:
    if answer.conclusion != Conclusion.FOUND:
        raise _UndecidedError(
            _WHY.get(answer.conclusion, f"the search is not at its end after {_MOST} executions")
        )
    return Blamed(
        sets=tuple(_chosen(moves, one.changes) for one in answer.ordered),
        units=tuple(
            _chosen(moves, one.changes) for one in answer.sets if len(one.parts) == 1 and len(one.changes) > 1
        ),
        along=_chosen(moves, answer.along),
    )


_WHY = {
    Conclusion.FOUND_NOT_REVERSED: "no lock has the packages of now without those that do it",
    Conclusion.UNSTABLE: "executions with the same packages disagree",
    Conclusion.END_UNTESTABLE: "executions in the same environment disagree",
    Conclusion.TOO_MANY: "many of them do it, each by itself",
}


def _chosen(moves: Sequence[Move], mixture: Mixture) -> tuple[Move, ...]:
    return tuple(moves[place] for place in sorted(mixture))


@contextmanager
def _mixtures(
    examination: Examination, before: Lock, arm: str, version: str, first: int
) -> Iterator[Mixtures]:
    """Yield what executes a baseline in one arm with some of the packages moved."""
    session = examination.session
    place = [release.version for release in session.releases].index(version)
    old, new = _ends(session, before, place)
    if session.alone:
        raise _UndecidedError(
            "its oracle judges what the machine does, which no package can be exchanged for"
        )
    moves = tuple(move for move in differences(old, new) if move.name != session.asked.package)
    if not moves:
        raise _UndecidedError(f"none of them is in the environment of {version}", elsewhere=True)
    # As for remedies: an arm of another name, so that the history does not take it for the baseline's own.
    own = next(one for one in session.asked.arms if one.name == arm)
    moved = replace(own, name=f"{arm}, packages moved", of=arm)
    environments = session.environments.sharing([old, new])
    with session.provider.executor(environments, new, session.device, warm=False) as executor:
        mixing = replace(
            growing(session, old, named=[version]),
            asked=replace(session.asked, arms=[moved]),
            environments=environments,
            executor=executor,
        )
        yield Mixtures(
            Driver(mixing, examination.driver.watcher),
            MixedLocks(mixing.resolver, old, new, moves),
            ends=(len(session.releases), place),
            arm=moved.name,
            mixed_arm=moved.name,
            first=first,
            label=lambda _mixture, _number: version,
        )


def _ends(session: Session, before: Lock, place: int) -> tuple[Lock, Lock]:
    """Return the baseline's lock with the packages of last night, and of now."""
    resolver, new, version = session.resolver, session.locks[place], session.releases[place].version
    host = session.torch.host
    fixed = {session.asked.package, *(("torch", *host.beside) if host else ())}
    moved = [move for move in differences(before, session.reference) if move.name not in fixed]
    if isinstance(new, Unresolvable):
        raise _UndecidedError(f"{version} has no lock with the packages of now")
    old = resolver.as_before(version, before, moved)
    if isinstance(old, Unresolvable):
        raise _UndecidedError(f"the packages of last night cannot be had any more ({old.reason})")
    has, has_now = old.versions(), new.versions()
    # A preference is not a promise: the resolver takes another version where that one is gone.
    lost = [
        f"{move.name} {move.before}"
        for move in moved
        if has.get(move.name, move.before) != move.before and has_now.get(move.name) == move.after
    ]
    if lost:
        raise _UndecidedError(f"the packages of last night cannot be had any more ({', '.join(lost)})")
    return old, new


def _judge(old: Sequence[Finding], new: Sequence[Finding]) -> Callable[[Finding], Outcome] | None:
    """Return what tells whether an execution does as those of now (BAD) or of last night (GOOD); None: they are equal.

    A verdict changed by another failure, or a release without a verdict, tells nothing.
    """
    both = [*old, *new]
    if skipped := [one.judgement.reason for one in both if one.verdict == Verdict.SKIP]:
        raise _UndecidedError(f"an end of the search has no verdict: {skipped[0]}")
    verdicts = [{one.verdict for one in side} for side in (old, new)]
    if max(map(len, verdicts)) > 1:
        raise _UndecidedError("executions in the same environment disagree")
    if verdicts[1] == {Verdict.BAD}:
        if verdicts[0] == {Verdict.BAD}:
            said = (
                "it is bad with the packages of last night too: the machine, its driver or its load changed"
            )
            raise _UndecidedError(said, elsewhere=True)
        return lambda one: (
            Outcome.GOOD
            if one.verdict == Verdict.GOOD
            else Outcome.BAD
            if one.judgement.same_end(new[0].judgement)
            else Outcome.OTHER
        )
    if verdicts[0] == {Verdict.BAD} or len(_digests(both)) == 1 or not _unlike(old, new):
        return None
    return lambda one: (
        Outcome.OTHER
        if one.verdict != Verdict.GOOD
        else Outcome.GOOD
        if one.trace_digest == old[0].trace_digest
        else Outcome.BAD
    )


def _unlike(old: Sequence[Finding], new: Sequence[Finding]) -> bool:
    """Tell whether two good baselines train otherwise, each always in the same way.

    Raises:
        _UndecidedError: They do, and each of them not always in the same way.
    """
    if len(_digests(old)) == len(_digests(new)) == 1:
        return True
    floor = noise_floor([one.trace for one in old], [one.trace for one in new])
    if not beyond(old[0].trace, new[0].trace, floor):
        return False
    raise _UndecidedError("its executions are not equal bit for bit, so small steps cannot be told apart")


def _digests(findings: Iterable[Finding]) -> set[str | None]:
    return {one.trace_digest for one in findings}
