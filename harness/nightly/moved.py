"""Finds out which of the moved packages changed what a baseline does: none is named that was not tried both ways.

The baseline is executed in environments between the one of last night and the one of now, halving what is moved in
them (`harness.search.smallest`). Every such lock is one that uv itself resolves, with each version pinned; where it
cannot, that combination proves nothing. What is found is believed if last night's packages with it alone do as
those of now, and those of now without it do as last night's, twice each in clean processes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.locks.lock import Lock, differences
from harness.locks.resolve import Resolver, Unresolvable
from harness.search.smallest import explain
from harness.sessions.driver import Driver
from harness.sessions.executor import choose
from harness.traces.compare import beyond, noise_floor
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from harness.locks.lock import Move
    from harness.nightly.examine import Examination
    from harness.sessions.finding import Finding

MOST = 100
"""Combinations that are tried in one arm."""
_FURTHER = 2000
"""Executions are numbered from here on, two a night: what an earlier night executed is no evidence of now."""

Chosen = frozenset["Move"]


@dataclass(frozen=True, slots=True)
class Blamed:
    """What moved packages did to a baseline in one arm.

    Attributes:
        sets: The packages that did it; each set by itself, most often one of one. Empty if nobody can tell.
        along: Packages without which those of now cannot be had but for the culprits.
        undecided: Why nobody can tell.
        elsewhere: It is so with last night's packages too, so that no moved package did it.
    """

    sets: tuple[tuple[Move, ...], ...] = ()
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
    trials = None
    try:
        trials = _Trials(examination, before, arm, version, _FURTHER + 2 * night)
        return trials.blame()
    except _UndecidedError as error:
        return Blamed(undecided=str(error), elsewhere=error.elsewhere)
    finally:
        if trials is not None:
            trials.session.executor.close()


class _Trials:
    """Executes one baseline in one arm with some of the packages moved."""

    def __init__(self, examination: Examination, before: Lock, arm: str, version: str, first: int) -> None:
        session = examination.session
        self.version, self.first = version, first
        self.arm = next(one for one in session.asked.arms if one.name == arm)
        self.place = [release.version for release in session.releases].index(version)
        self.watcher = examination.driver.watcher
        self.old, self.new = self._ends(examination, before)
        if session.alone:
            raise _UndecidedError(
                "its oracle judges what the machine does, which no package can be exchanged for"
            )
        package = session.asked.package
        self.moves = [move for move in differences(self.old, self.new) if move.name != package]
        if not self.moves:
            raise _UndecidedError(f"none of them is in the environment of {version}", elsewhere=True)
        base = session.environments.base([self.old, self.new])
        executor = choose(
            session.asked,
            None,
            reference=self.new,
            base=base,
            environments=session.environments,
            store=session.store,
            device=session.device,
            say=self.watcher.note,
            warm=False,
        )
        self.session = replace(session, base=base, executor=executor)
        self._findings: dict[Chosen, list[Finding]] = {}
        self._locks: dict[Chosen, Lock | None] = {}

    def blame(self) -> Blamed | None:
        """Search, and try what was found both ways."""
        everything: Chosen = frozenset(self.moves)
        old, new = self._executed(frozenset(), 2), self._executed(everything, 2)
        judge = self._judge(old, new)
        if judge is None:
            return None

        def does(chosen: Chosen) -> bool | None:
            told = self._executed(chosen, 1)
            return judge(told[0]) if told else None

        self.watcher.note(f"searching which of {len(self.moves)} moved packages changed {self.arm.name}")
        found = explain(self.moves, does)
        out = {move for several in found.sets for move in several} | set(found.along)
        ways = [*((frozenset(several), True) for several in found.sets), (everything - out, False)]
        for chosen, wanted in ways:
            if [judge(one) for one in self._executed(chosen, 2)] != [wanted, wanted]:
                raise _UndecidedError(f"with {_some(chosen)} moved alone two executions disagree")
        return Blamed(found.sets, found.along)

    def _ends(self, examination: Examination, before: Lock) -> tuple[Lock, Lock]:
        """Return the baseline's lock with the packages of last night, and of now."""
        session = examination.session
        resolver, new = session.resolver, session.locks[self.place]
        host = session.torch.host
        fixed = {session.asked.package, *(("torch", *host.beside) if host else ())}
        moved = [move for move in differences(before, session.reference) if move.name not in fixed]
        if not isinstance(resolver, Resolver) or isinstance(new, Unresolvable):
            raise _UndecidedError(f"{self.version} has no lock with the packages of now")
        old = resolver.as_before(self.version, before, moved)
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

    def _judge(self, old: list[Finding], new: list[Finding]) -> Callable[[Finding], bool | None] | None:
        """Return what tells whether an execution does as those of now (true) or of last night; None: they are equal.

        A verdict changed by another failure, or a release without a verdict, tells nothing.
        """
        verdicts = [one.verdict for one in (*old, *new)]
        if Verdict.SKIP in verdicts:
            why = next(one.judgement.reason for one in (*old, *new) if one.verdict == Verdict.SKIP)
            raise _UndecidedError(f"an end of the search has no verdict: {why}")
        if len(set(verdicts[:2])) > 1 or len(set(verdicts[2:])) > 1:
            raise _UndecidedError("executions in the same environment disagree")
        if verdicts[2] == Verdict.BAD:
            if verdicts[0] == Verdict.BAD:
                said = "it is bad with the packages of last night too: the machine, its driver or its load changed"
                raise _UndecidedError(said, elsewhere=True)
            return lambda one: (
                False
                if one.verdict == Verdict.GOOD
                else True
                if one.judgement.same_end(new[0].judgement)
                else None
            )
        digests = [one.trace_digest for one in (*old, *new)]
        if verdicts[0] == Verdict.BAD or len(set(digests)) == 1:
            return None
        if digests[0] != digests[1] or digests[2] != digests[3]:
            floor = noise_floor([one.trace for one in old])
            for signal, value in noise_floor([one.trace for one in new]).items():
                floor[signal] = max(value, floor.get(signal, 0.0))
            if not beyond(old[0].trace, new[0].trace, floor):
                return None
            raise _UndecidedError(
                "its executions are not equal bit for bit, so small steps cannot be told apart"
            )
        return lambda one: one.trace_digest != digests[0] if one.verdict == Verdict.GOOD else None

    def _executed(self, chosen: Chosen, count: int) -> list[Finding]:
        """Return `count` executions with the packages chosen moved; none if no lock has just them."""
        lock = self._lock(chosen)
        if lock is None:
            return []
        locks = [*self.session.locks]
        locks[self.place] = lock
        # As for interventions: an arm of another name, so that the history does not take it for the baseline's own.
        arm = replace(self.arm, name=f"{self.arm.name}, moved: {_some(chosen)}", of=self.arm.name)
        asked = replace(self.session.asked, arms=[arm])
        driver = Driver(replace(self.session, locks=locks, asked=asked), self.watcher)
        found = self._findings.setdefault(chosen, [])
        wanted = range(self.first + len(found), self.first + count)
        driver.execute([(arm.name, self.place, repeat) for repeat in wanted])
        found += [driver.findings[arm.name][self.place][repeat] for repeat in wanted]
        return found[:count]

    def _lock(self, chosen: Chosen) -> Lock | None:
        if chosen not in self._locks:
            if len(self._locks) >= MOST:
                raise _UndecidedError(f"the search is not at its end after {MOST} combinations")
            self._locks[chosen] = self._resolved(chosen)
        return self._locks[chosen]

    def _resolved(self, chosen: Chosen) -> Lock | None:
        """Return last night's lock with the packages chosen as they are now, or None if uv does not resolve it so."""
        if not chosen or len(chosen) == len(self.moves):
            return self.new if chosen else self.old
        names = {self.session.asked.package, *(move.name for move in chosen)}
        packages = [one for one in self.old.packages if one.name not in names]
        packages += [one for one in self.new.packages if one.name in names]
        lock = replace(self.new, packages=tuple(sorted(packages)))
        resolver = self.session.resolver
        why = resolver.possible(lock) if isinstance(resolver, Resolver) else "the locks are fixed"
        if why:
            self.watcher.note(f"no lock has {_some(chosen)} moved alone: {why}")
        return None if why else lock


def _some(chosen: Collection[Move]) -> str:
    return ", ".join(sorted(map(str, chosen))) or "nothing"
