"""Opens a boundary whose sides' locks differ in more than the package under test: which of the changes does it?

The old release with the new dependencies, and the new release with the old ones, are executed twice each in clean
processes, where uv resolves them so. What its requirements refuse is installed against them, as a last resort, and
marked. Where the dependencies do it and several changed, the smallest set of them is searched (`search.smallest`).
Only the failure of the boundary itself is evidence: a mixture that fails otherwise proves nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from harness.environments.requirements import requirements
from harness.locks.lock import Lock, differences
from harness.locks.mixture import mix
from harness.locks.resolve import Resolver
from harness.report.opened import CulpritResult, DependencyAnswer, MixtureResult
from harness.runs.drive import Driver
from harness.runs.gather import executions
from harness.search.exchange import Likeness, Outcome, decide
from harness.search.smallest import explain
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.locks.mixture import Mixture, Requirements
    from harness.runs.finding import Finding
    from harness.runs.gather import Findings
    from harness.runs.investigate import Investigation
    from harness.runs.laboratory import Laboratory
    from harness.scenario import Arm
    from harness.search import Answer
    from harness.search.boundaries import Boundary

MOST = 12
"""Executions of mixtures at one boundary."""
TIMES = 2
"""Executions of a mixture that an answer rests on."""
FIRST = 1
"""Number of the first of them: only an execution with the number 0 may start warm."""

Place = tuple[str, str, str, str]
"""Arm, signal, older and newer release of a boundary."""


def open_boundaries(investigation: Investigation, opened: dict[Place, DependencyAnswer]) -> None:
    """Find out which change does it at every boundary in verdict or failure where dependencies change too.

    What the machine does is compared otherwise (`alone`), and such boundaries are left as they are.

    Args:
        investigation: Has found the boundaries.
        opened: What is found is put here at once, so that an interrupted run keeps it.

    Raises:
        HarnessError: The index is out of reach.
        KeyboardInterrupt: After every running probe was ended.
    """
    driver, laboratory = investigation.driver, investigation.driver.laboratory
    if laboratory.alone:
        return
    for name, answer in investigation.answers().items():
        for signal, boundary in _ends(answer):
            sides = [laboratory.locks[place] for place in (boundary.before, boundary.after)]
            locks = [lock for lock in sides if isinstance(lock, Lock)]
            if not boundary.confirmed or len(locks) < len(sides):
                continue
            package = laboratory.question.package
            names = [one.name for one in differences(*locks) if one.name != package]
            if not names or not {boundary.before, boundary.after} <= driver.findings[name].keys():
                continue  # a verdict that was assumed has no failure to compare with
            before, after = (
                laboratory.releases[place].version for place in (boundary.before, boundary.after)
            )
            driver.watcher.note(
                f"{name}: {before} and {after} differ in {len(names)} dependencies too: exchanging them"
            )
            opened[name, signal, before, after] = _Opening(
                driver, driver.arms[name], boundary, names
            ).answer()


def alike(finding: Finding, side: Iterable[Finding], *, to_the_word: bool) -> bool:
    """Tell whether an execution ended as those of a side do: good, or with the same failure, its step left out.

    Args:
        finding: The execution.
        side: Executions of that side.
        to_the_word: An exception must have the same message too.
    """
    return any(_same_end(finding, one, to_the_word=to_the_word) for one in side)


def likeness(
    found: Sequence[Finding], before: Sequence[Finding], after: Sequence[Finding], *, forced: bool
) -> Likeness:
    """Return what a mixture did: all of its executions must have ended as those of one side do, and not of the other.

    Args:
        found: Executions of the mixture.
        before: Executions of the older side.
        after: Executions of the newer side.
        forced: The mixture contradicts a requirement. Whatever is missing then raises exceptions of the usual
            classes, so that the class alone is no evidence.
    """
    as_before = all(alike(one, before, to_the_word=forced) for one in found)
    as_after = all(alike(one, after, to_the_word=forced) for one in found)
    if not found or as_before == as_after:
        return Likeness.NEITHER
    return Likeness.BEFORE if as_before else Likeness.AFTER


def _same_end(one: Finding, other: Finding, *, to_the_word: bool) -> bool:
    if one.verdict != other.verdict or one.verdict not in (Verdict.GOOD, Verdict.BAD):
        return False
    if one.identity and other.identity and one.identity != other.identity:
        return False
    mine, theirs = one.judgement.fingerprint, other.judgement.fingerprint
    if mine is None or theirs is None:
        return mine is theirs
    raised = mine.kind == "exception" and to_the_word
    return mine.same_failure(theirs) and (not raised or one.judgement.reason == other.judgement.reason)


def _ends(answer: Answer) -> list[tuple[str, Boundary]]:
    return [
        *(("verdict", boundary) for boundary in answer.boundaries),
        *(("failure", boundary) for boundary in answer.other_failures),
    ]


class _SpentError(Exception):
    """No execution is left."""


@dataclass(frozen=True, slots=True)
class _Trial:
    """A mixture and its executions, which are added as they come.

    Attributes:
        position: Of the release that it has.
        exchanged: Names of the dependencies that come from the other side.
        forced: It is installed against its requirements.
    """

    position: int
    exchanged: frozenset[str]
    mixture: Mixture
    forced: bool
    findings: list[Finding] = field(default_factory=list)


class _Opening:
    """The mixtures of one boundary.

    `good` and `bad` are the positions of its sides. A set of dependencies is named `bad_ones` where it has the bad
    side's versions and all others have the good side's.
    """

    def __init__(self, driver: Driver, arm: Arm, boundary: Boundary, names: Sequence[str]) -> None:
        laboratory = driver.laboratory
        self.driver, self.arm, self.names = driver, arm, names
        self.ends = (boundary.before, boundary.after)
        self.good, self.bad = reversed(self.ends) if boundary.kind == "fixed" else self.ends
        self.sides = {place: list(driver.findings[arm.name][place].values()) for place in self.ends}
        self.locks = {place: lock for place in self.ends if isinstance(lock := laboratory.locks[place], Lock)}
        self.left = MOST
        self.trials: dict[tuple[int, frozenset[str]], _Trial] = {}
        self.resolver = _resolver(laboratory)
        self.requirements: Requirements = {}
        for lock in self.locks.values():
            here = laboratory.question.scheduler is None
            self.requirements |= requirements(laboratory.environments, lock, laboratory.base, make=here)

    def answer(self) -> DependencyAnswer:
        """Execute what is needed and return what it shows."""
        different = differences(*(self.locks[place] for place in self.ends))
        changes = [asdict(one) for one in different if one.name in self.names]
        if _disagree(self.driver.findings[self.arm.name]):
            return DependencyAnswer(Outcome.UNDECIDED, changes, flaky=True)
        good_package, bad_package = (
            self._fails(self.good, frozenset(self.names)),
            self._fails(self.bad, frozenset()),
        )
        outcome = decide(good_package, bad_package)
        culprits: list[CulpritResult] = []
        along: tuple[str, ...] = ()
        if outcome not in (Outcome.PACKAGE, Outcome.UNDECIDED):
            # Where dependencies show: beside the good package they fail, or beside the bad one their lack cures.
            culprits, along = self._narrowed(self.good if good_package else self.bad)
        trials = [self._result(trial) for trial in self.trials.values()]
        return DependencyAnswer(outcome, changes, culprits, list(along), trials)

    def _narrowed(self, position: int) -> tuple[list[CulpritResult], tuple[str, ...]]:
        """Return the sets of dependencies that do it beside a release, each by itself, and what went along with them.

        What single executions showed is believed if two show it: each set alone does it, and all others do not.
        """
        everything = frozenset(self.names)
        whole = [CulpritResult(list(self.names))]
        if len(self.names) == 1:
            return whole, ()
        try:
            found = explain(self.names, lambda bad_ones: self._fails(position, bad_ones, times=1))
            out = frozenset(found.along).union(*found.sets)
            ways = [*((frozenset(one), True) for one in found.sets), (everything - out, False)]
            if any(self._fails(position, bad_ones) is not wanted for bad_ones, wanted in ways):
                return whole, ()
        except _SpentError:
            return whole, ()
        return [CulpritResult(list(one), self._together(position, one)) for one in found.sets], found.along

    def _together(self, position: int, several: tuple[str, ...]) -> bool:
        """Tell whether a set was tried without each of its members, and did not do it."""
        without = [frozenset(several) - {name} for name in several]
        return len(several) > 1 and all(
            self._known(position, one) and self._fails(position, one, times=1) is False for one in without
        )

    def _known(self, position: int, bad_ones: frozenset[str]) -> bool:
        return (position, self._exchanged(position, bad_ones)) in self.trials

    def _exchanged(self, position: int, bad_ones: frozenset[str]) -> frozenset[str]:
        return bad_ones if position == self.good else frozenset(self.names) - bad_ones

    def _fails(self, position: int, bad_ones: frozenset[str], times: int = TIMES) -> bool | None:
        """Tell whether a release with some dependencies of the bad side fails as that side does; None: no evidence.

        Raises:
            _SpentError: It would need more executions than are left.
        """
        exchanged = self._exchanged(position, bad_ones)
        if not exchanged:
            return position == self.bad
        key = position, exchanged
        if key not in self.trials:
            self.trials[key] = self._mixed(position, exchanged)
        trial = self.trials[key]
        self._execute(trial, times)
        before, after = (self.sides[place] for place in self.ends)
        did = likeness(trial.findings, before, after, forced=trial.forced)
        as_bad = Likeness.BEFORE if self.bad == self.ends[0] else Likeness.AFTER
        return None if did == Likeness.NEITHER else did == as_bad

    def _mixed(self, position: int, exchanged: frozenset[str]) -> _Trial:
        other = self.bad if position == self.good else self.good
        mixture = mix(self.resolver, self.locks[position], self.locks[other], exchanged, self.requirements)
        everything = len(exchanged) == len(self.names)
        whole = self.trials.get((position, frozenset(self.names)))
        # What is known to be in the way may be overruled: of all dependencies, and of some where all needed it.
        forced = bool(mixture.ties) and (everything or (whole is not None and whole.forced))
        return _Trial(position, exchanged, mixture, forced)

    def _execute(self, trial: _Trial, times: int) -> None:
        """Let a mixture have as many executions as are asked, in clean processes."""
        missing = range(FIRST + len(trial.findings), FIRST + times)
        if not missing or (trial.mixture.refused and not trial.forced):
            return
        if len(missing) > self.left:
            raise _SpentError
        self.left -= len(missing)
        laboratory = self.driver.laboratory
        locks = [*laboratory.locks]
        locks[trial.position] = trial.mixture.lock
        # As for remedies: an arm of another name, so that the history does not take it for the release as it is.
        label = f"{self.arm.name}, {', '.join(sorted(trial.exchanged))} exchanged"
        arm = replace(self.arm, name=label, of=self.arm.name)
        question = replace(laboratory.question, arms=[arm])
        driver = Driver(replace(laboratory, locks=locks, question=question), self.driver.watcher)
        driver.execute([(label, trial.position, repeat) for repeat in missing])
        trial.findings.extend(driver.findings[label][trial.position][repeat] for repeat in missing)

    def _result(self, trial: _Trial) -> MixtureResult:
        before, after = (self.sides[place] for place in self.ends)
        first = trial.findings[0] if trial.findings else None
        mixture = trial.mixture
        return MixtureResult(
            release=self.driver.laboratory.releases[trial.position].version,
            exchanged=sorted(trial.exchanged),
            likeness=likeness(trial.findings, before, after, forced=trial.forced)
            if first
            else Likeness.REFUSED,
            verdict=(first.verdict if first else Verdict.UNTESTED).value,
            reason=first.judgement.reason if first else "not executed",
            lock=mixture.lock.digest,
            executions=executions(trial.findings),
            refused=mixture.refused,
            ties=list(mixture.ties),
            forced=trial.forced,
        )


def _disagree(findings: Findings) -> bool:
    """Tell whether executions of any release in an arm gave different verdicts."""
    return any(
        {Verdict.GOOD, Verdict.BAD} <= {one.verdict for one in repeats.values()}
        for repeats in findings.values()
    )


def _resolver(laboratory: Laboratory) -> Resolver:
    """Return what asks uv: the run's own, or one like it where the run has the locks of an earlier one."""
    if isinstance(laboratory.resolver, Resolver):
        return laboratory.resolver
    question, environments = laboratory.question, laboratory.environments
    return Resolver(
        question.package,
        question.pins(),
        laboratory.interpreter,
        laboratory.torch,
        question.settings(),
        environments.uv,
        environments.home,
        question.newest(),
    )
