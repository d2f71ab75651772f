"""Opens a boundary whose sides' locks differ in more than the package under test: which of the changes does it?

The old release with the new dependencies, and the new release with the old ones, are executed twice each in clean
processes, where uv resolves them so. What its requirements refuse is installed against them, as a last resort, and
marked. Where the dependencies do it and several changed, the smallest set of them is searched as
between two environments (`search.difference`).
Only the failure of the boundary itself is evidence: a mixture that fails otherwise proves nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from harness.environments.requirements import requirements
from harness.locks.lock import Lock, differences
from harness.locks.mixture import mix
from harness.report.opened import CulpritResult, DependencyAnswer, MixtureResult
from harness.search.dependencies import SpentError, culprits
from harness.search.exchange import Likeness, Outcome, decide
from harness.sessions.alike import alike
from harness.sessions.driver import Driver
from harness.sessions.finding import executions
from harness.verdicts.verdict import Verdict
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.locks.mixture import Mixture, Requirements
    from harness.report.model import BoundaryResult
    from harness.scenario import Arm
    from harness.search import Answer
    from harness.search.boundaries import Boundary
    from harness.sessions.arm_map import Findings
    from harness.sessions.finding import Finding
    from harness.sessions.investigation import Investigation

MOST = 20
"""Executions of mixtures at one boundary."""
TIMES = 2
"""Executions of a mixture that an answer rests on."""
FIRST = 1
"""Number of the first of them: only an execution with the number 0 may start warm."""

Place = tuple[str, str, str, str]
"""Arm, signal, older and newer release of a boundary."""


class Fails(Protocol):
    """Tells whether one side's package with some dependencies of the bad side fails as that side does."""

    def __call__(
        self, good_package: bool, bad_ones: frozenset[str], times: int, /, *, force: bool
    ) -> bool | None:
        """Return it from a number of executions; None for no evidence.

        Args:
            good_package: The package is the good side's; else the bad side's.
            bad_ones: Names of the dependencies that are the bad side's; all others are the good side's.
            times: Executions.
            force: Whether what is installed against a requirement counts.

        Raises:
            SpentError: It would need more executions than are left.
        """


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
    driver, session = investigation.driver, investigation.driver.session
    if session.alone:
        return
    for name, answer in investigation.answers().items():
        for signal, boundary in _ends(answer):
            sides = [session.locks[place] for place in (boundary.before, boundary.after)]
            locks = [lock for lock in sides if isinstance(lock, Lock)]
            if not boundary.confirmed or len(locks) < len(sides):
                continue
            package = session.asked.package
            names = [one.name for one in differences(*locks) if one.name != package]
            if not names or not {boundary.before, boundary.after} <= driver.findings[name].keys():
                continue  # a verdict that was assumed has no failure to compare with
            before, after = (session.releases[place].version for place in (boundary.before, boundary.after))
            also = f"{counted(len(names), 'dependency differs', 'dependencies differ')} too"
            driver.watcher.note(
                f"{name}: between {before} and {after} {also}: executing each with those of the other"
            )
            opened[name, signal, before, after] = _Opening(
                driver, driver.arms[name], boundary, names
            ).answer()


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


def _ends(answer: Answer) -> list[tuple[str, Boundary]]:
    return [
        *(("verdict", boundary) for boundary in answer.boundaries),
        *(("failure", boundary) for boundary in answer.other_failures),
    ]


@dataclass(frozen=True, slots=True)
class _Trial:
    """A mixture and its executions, which are added as they come.

    Attributes:
        position: Of the release that it has.
        exchanged: Names of the dependencies that come from the other side.
    """

    position: int
    exchanged: frozenset[str]
    mixture: Mixture
    findings: list[Finding] = field(default_factory=list)

    @property
    def forced(self) -> bool:
        """Whether it is executed against a requirement that is known."""
        return bool(self.mixture.refused and self.findings)


class _Opening:
    """The mixtures of one boundary.

    `good` and `bad` are the positions of its sides. A set of dependencies is named `bad_ones` where it has the bad
    side's versions and all others have the good side's.
    """

    def __init__(self, driver: Driver, arm: Arm, boundary: Boundary, names: Sequence[str]) -> None:
        session = driver.session
        self.driver, self.arm, self.names = driver, arm, names
        self.ends = (boundary.before, boundary.after)
        self.good, self.bad = reversed(self.ends) if boundary.kind == "fixed" else self.ends
        self.sides = {place: list(driver.findings[arm.name][place].values()) for place in self.ends}
        self.locks = {place: lock for place in self.ends if isinstance(lock := session.locks[place], Lock)}
        self.left = MOST
        self.trials: dict[tuple[int, frozenset[str]], _Trial] = {}
        self.resolver = session.resolver
        self.requirements: Requirements = {}
        for lock in self.locks.values():
            self.requirements |= requirements(session.environments, lock, make=session.provider.here)

    def answer(self) -> DependencyAnswer:
        """Execute what is needed and return what it shows."""
        different = differences(*(self.locks[place] for place in self.ends))
        changes = [asdict(one) for one in different if one.name in self.names]
        if _disagree(self.driver.findings[self.arm.name]):
            return DependencyAnswer(Outcome.UNDECIDED, changes, flaky=True)
        found = _found(self.names, self._fails)
        return replace(found, changes=changes, trials=[self._result(trial) for trial in self.trials.values()])

    def _fails(self, good_package: bool, bad_ones: frozenset[str], times: int, *, force: bool) -> bool | None:
        """Tell whether one side's package with some dependencies of the bad side fails as that side does.

        As `Fails`.

        Raises:
            SpentError: It would need more executions than are left.
        """
        position = self.good if good_package else self.bad
        exchanged = bad_ones if good_package else frozenset(self.names) - bad_ones
        key = position, exchanged
        if key not in self.trials:
            self.trials[key] = self._mixed(position, exchanged)
        trial = self.trials[key]
        if trial.mixture.refused and not force:
            return None
        self._execute(trial, times)
        before, after = (self.sides[place] for place in self.ends)
        did = likeness(trial.findings, before, after, forced=trial.forced)
        return _as_bad(did, fixed=self.bad == self.ends[0])

    def _mixed(self, position: int, exchanged: frozenset[str]) -> _Trial:
        other = self.bad if position == self.good else self.good
        mixture = mix(self.resolver, self.locks[position], self.locks[other], exchanged, self.requirements)
        return _Trial(position, exchanged, mixture)

    def _execute(self, trial: _Trial, times: int) -> None:
        """Let a mixture have as many executions as are asked, in clean processes."""
        missing = range(FIRST + len(trial.findings), FIRST + times)
        if not missing or (trial.mixture.refused and not trial.mixture.ties):
            return
        if len(missing) > self.left:
            raise SpentError
        self.left -= len(missing)
        session = self.driver.session
        # As for remedies: an arm of another name, so that the history does not take it for the release as it is.
        label = f"{self.arm.name}, {', '.join(sorted(trial.exchanged))} exchanged"
        arm = replace(self.arm, name=label, of=self.arm.name)
        driver = Driver(session.with_locks({trial.position: trial.mixture.lock}, [arm]), self.driver.watcher)
        driver.execute([(label, trial.position, repeat) for repeat in missing])
        trial.findings.extend(driver.findings[label][trial.position][repeat] for repeat in missing)

    def _result(self, trial: _Trial) -> MixtureResult:
        before, after = (self.sides[place] for place in self.ends)
        mixture = trial.mixture
        bare = MixtureResult(
            release=self.driver.session.releases[trial.position].version,
            exchanged=sorted(trial.exchanged),
            likeness=Likeness.REFUSED if mixture.refused else Likeness.NEITHER,
            verdict=Verdict.UNTESTED.value,
            reason="not executed",
            lock=mixture.lock.digest,
            refused=mixture.refused,
            ties=list(mixture.ties),
            forced=trial.forced,
        )
        return _with_findings(bare, trial.findings, before, after)


def judged_again(
    old: BoundaryResult,
    judged: Callable[[MixtureResult], Sequence[Finding]],
    before: Sequence[Finding],
    after: Sequence[Finding],
) -> DependencyAnswer | None:
    """Return what the stored executions of mixtures show by the judgements of now; None without any.

    Args:
        old: The boundary with what it had.
        judged: Returns the executions of a mixture, judged.
        before: Executions of the older side.
        after: Executions of the newer side.
    """
    answer = old.dependencies
    if answer is None or answer.flaky:
        return answer
    findings = [list(judged(trial)) for trial in answer.trials]
    trials = [
        _with_findings(trial, found, before, after)
        for trial, found in zip(answer.trials, findings, strict=True)
    ]
    names = [str(change["name"]) for change in answer.changes]
    fixed = old.kind == "fixed"
    good, bad = (old.after, old.before) if fixed else (old.before, old.after)
    stored = {
        (trial.release, frozenset(trial.exchanged)): (trial, len(found))
        for trial, found in zip(trials, findings, strict=True)
    }

    def fails(good_package: bool, bad_ones: frozenset[str], times: int, *, force: bool) -> bool | None:
        exchanged = bad_ones if good_package else frozenset(names) - bad_ones
        trial, count = stored.get((good if good_package else bad, exchanged), (None, 0))
        known = trial is not None and count >= times and (force or not trial.forced)
        return _as_bad(trial.likeness, fixed=fixed) if trial and known else None

    return replace(_found(names, fails), changes=answer.changes, trials=trials)


def _with_findings(
    trial: MixtureResult, found: Sequence[Finding], before: Sequence[Finding], after: Sequence[Finding]
) -> MixtureResult:
    """Return what a report says of a mixture, with the executions that it had."""
    if not found:
        return trial
    return replace(
        trial,
        likeness=likeness(found, before, after, forced=trial.forced),
        verdict=found[0].verdict.value,
        reason=found[0].judgement.reason,
        executions=executions(found),
    )


def _found(names: Sequence[str], fails: Fails) -> DependencyAnswer:
    """Return which changes bring the failure; what contradicts a requirement counts where nothing else tells it."""
    everything = frozenset(names)
    ways = ((True, everything), (False, frozenset[str]()))
    good_package, bad_package = (fails(*way, TIMES, force=True) for way in ways)
    outcome = decide(good_package, bad_package)
    if outcome in (Outcome.PACKAGE, Outcome.UNDECIDED):
        return DependencyAnswer(outcome, [])
    # Where dependencies show: beside the good package they fail, or beside the bad one their lack cures.
    shown = [way[0] for way, did in zip(ways, (good_package, bad_package), strict=True) if did is way[0]]
    allowed = [way[0] for way in ways if way[0] in shown and fails(*way, TIMES, force=False) is way[0]]
    beside = (allowed or shown)[0]

    def narrowed(*, force: bool) -> DependencyAnswer:
        sets, along = culprits(names, lambda bad_ones, times: fails(beside, bad_ones, times, force=force))
        found = [CulpritResult(list(one.names), one.together, force) for one in sets]
        return DependencyAnswer(outcome, [], found, list(along))

    found = narrowed(force=False)
    if len(names) > 1 and _vague(found):
        by_force = narrowed(force=True)
        found = by_force if _vague(by_force) < _vague(found) else found
    return found


def _vague(answer: DependencyAnswer) -> int:
    """Return how many dependencies are named that were not told apart."""
    several = [one for one in answer.culprits if len(one.names) > 1 and not one.together]
    return len(answer.along) + sum(len(one.names) for one in several)


def _as_bad(did: Likeness, *, fixed: bool) -> bool | None:
    """Tell whether a mixture did as the bad side, which is the older one where something was fixed."""
    if did not in (Likeness.BEFORE, Likeness.AFTER):
        return None
    return did == (Likeness.BEFORE if fixed else Likeness.AFTER)


def _disagree(findings: Findings) -> bool:
    """Tell whether executions of any release in an arm gave different verdicts."""
    return any(
        {Verdict.GOOD, Verdict.BAD} <= {one.verdict for one in repeats.values()}
        for repeats in findings.values()
    )
