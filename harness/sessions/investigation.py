"""Searches are asked what to execute and told what was found, until every arm has its answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.sessions import cost
from harness.sessions.arm_map import arrange
from harness.sessions.calibrate import calibrate
from harness.sessions.driver import distrust_environments
from harness.sessions.hash_seeds import HashSeedDependence, dependences
from harness.sessions.interleaved import Direct, directly
from harness.sessions.prefixes import Prefixes, not_possible
from harness.sessions.searched import Searched, observation, replay, strategy
from harness.sessions.stored import stored
from harness.sessions.warm_start import distrust_warm_start, prove_warm_start
from harness.verdicts.oracles import interleaves, two_sided

if TYPE_CHECKING:
    from harness.search import Answer, Search
    from harness.sessions.arm_map import ArmMap
    from harness.sessions.driver import Driver, Task
    from harness.sessions.finding import Finding

_FURTHER = 3
"""Releases besides the ends that are executed both warm and clean, where the ends do not tell whether that is safe."""


class Investigation:
    """The searches of one run, an arm each.

    Args:
        driver: Executes.

    Attributes:
        searched: Strategy and options of all of them.
        hash_seeds: {arm: the release whose verdict is known to depend on the hash seed}.
        direct: {arm: {(older, newer side of a boundary): how they compare directly}}.
        prefixes: The first steps of every release, where these were executed alone; else None.
    """

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        asked = driver.session.asked
        self.searched = Searched(
            strategy=strategy(asked),
            from_given=asked.first is not None,
            find_fix=asked.question.plan.find_fix,
            any_failure=asked.question.plan.any_failure,
            confidence=asked.question.plan.confidence,
            two_sided=two_sided(asked.scenario.oracle),
            assume={version: verdict.value for version, verdict in asked.assume.items()},
            jobs=driver.jobs,
        )
        self.direct: dict[str, dict[tuple[int, int], Direct]] = {}
        self.names = [release.version for release in driver.session.releases]
        self.hash_seeds: dict[str, HashSeedDependence] = {}
        self.prefixes: Prefixes | None = None
        self._looked: set[str] = set()
        if self.searched.strategy == "prefix" and (why := not_possible(driver.session)):
            raise UsageError(f"--search prefix: {why}; take --search auto")
        self.searches()  # complains of a wrong option before anything is executed

    def run(self) -> None:
        """Execute what the question needs.

        The searches are told what was found after executions that were no evidence (jobs that were not
        identical, warm starts that showed in a trace) are out; should that leave a search with something to
        ask, it goes on from what is known.
        """
        if self.searched.strategy == "sweep":
            self.driver.session.lock_beside()
        for arm in self.driver.arms.values():
            calibrate(self.driver.session, arm)
        if self._goes_by_prefix():
            self._find_classes()
        if self.prefixes is None:
            self._prove_warm_start()
            self._weigh_cost()
        known = -1
        while known < (
            known := self.driver.executed()
        ):  # else a search that is not done has spent its budget
            undisturbed = self._search()
            if undisturbed:
                self._repeat_sides()
            repaired = distrust_environments(self.driver)
            distrusted = not repaired and distrust_warm_start(self.driver)
            doubted = self.prefixes is not None and (repaired or distrusted or self.prefixes.contradiction())
            if doubted:
                self._find_classes()
            if repaired or doubted or not undisturbed:
                known = -1
                continue
            if not distrusted and all(search.done for search in self.searches().values()):
                break
        self.hash_seeds = dependences(self.driver)
        self._compare_sides()

    def _compare_sides(self) -> None:
        """Compare the sides of every boundary in verdict directly, where a metric is compared interleaved."""
        session = self.driver.session
        for name, answer in self.answers().items():
            calibration = session.calibrations.get(name)
            if calibration is None or not interleaves(session.asked.scenario.oracle, calibration):
                continue
            whole = [one for one in answer.boundaries if not one.untested]
            for one in whole:
                # A side that is the reference has been compared directly already.
                if calibration.reference not in (self.names[one.before], self.names[one.after]):
                    place = (one.before, one.after)
                    arm = self.driver.arms[name]
                    self.direct.setdefault(name, {})[place] = directly(session, arm, *place, len(whole))

    def searches(self) -> dict[str, Search]:
        """Return {arm: search}, each told all that was found for it."""
        return {
            arm: replay(self.searched_in(arm), self.names, found)
            for arm, found in self.driver.findings.items()
        }

    def searched_in(self, arm: str) -> Searched:
        """Return how one arm is searched: with the classes that its first steps show."""
        if self.prefixes is None:
            return self.searched
        found = self.prefixes.results(arm)
        return replace(
            self.searched, classes={self.names[position]: one.digest for position, one in found.items()}
        )

    def arranged(self, arm: str, answer: Answer) -> ArmMap:
        """Return the findings of an arm in order, with the verdicts that its search decided."""
        prefixes = self.prefixes.results(arm) if self.prefixes is not None else {}
        return arrange(len(self.names), self.driver.findings[arm], answer.judged, prefixes)

    def answers(self) -> dict[str, Answer]:
        """Return {arm: answer} from what was found, whether the searches are done or not."""
        return {arm: search.answer() for arm, search in self.searches().items()}

    def _jobs(self, *, sweeping: bool) -> int:
        """Return how many probes an arm may have in flight.

        More than one make a search k-ary: fewer rounds, but more probes than one at a time. So a search gets
        them only where the user asked for them by `--jobs`.
        """
        if sweeping:
            return self.driver.jobs
        wanted = 1 if self.driver.session.alone else self.driver.session.asked.place.jobs or 1
        return max(1, wanted // len(self.driver.arms))

    def _search(self) -> bool:
        """Execute what the searches want.

        Returns:
            Whether they have come to their end. False: executions of one release disagree for the first time in an
            arm, and whether a job has changed an environment has to be seen before more is executed in it.
        """
        searches = self.searches()
        doubtful: set[str] = set()
        in_flight: Counter[str] = Counter()
        narrowed: dict[str, str] = {}

        def propose(free: int) -> list[Task]:
            tasks: list[Task] = []
            doubtful.update(arm for arm, search in searches.items() if search.known.noisy())
            if doubtful - self._looked:
                return tasks
            while len(tasks) < free:
                found = [
                    (arm, request.position, request.repeat)
                    for arm, search in searches.items()
                    if in_flight[arm] < self.searched.jobs
                    for request in search.propose(1)
                ]
                if not found:
                    return tasks
                tasks += found
                in_flight.update(arm for arm, _, _ in found)
            return tasks

        def told(task: Task, finding: Finding) -> None:
            arm, position, repeat = task
            in_flight[arm] -= 1
            searches[arm].tell(observation(position, repeat, finding))
            before, after, steps = searches[arm].narrowed()
            if (before, after) == (0, len(self.names) - 1):
                return
            said = f"{arm}: narrowed to {self.names[before]} … {self.names[after]}, about {steps} steps left"
            if narrowed.get(arm) != said:
                narrowed[arm] = said
                self.driver.watcher.note(said)

        def left() -> int:
            return sum(search.narrowed().steps * self.searched.jobs for search in searches.values())

        self.driver.run(propose, told, left=left)
        undisturbed = not doubtful - self._looked
        self._looked |= doubtful
        return undisturbed

    def _repeat_sides(self) -> None:
        """Execute the sides of other boundaries again: in census and in trace.

        The search confirmed those in verdict and in failure.
        """
        for _ in range(3):  # a repeat may itself show a new boundary
            tasks: list[Task] = []
            begun: dict[str, list[int]] = {}
            for arm, answer in self.answers().items():
                found = self.arranged(arm, answer)
                tasks += [(arm, side, 1) for side in sorted(found.sides()) if not found.repeats[side]]
                begun[arm] = [side for side in sorted(found.early_sides()) if found.unrepeated(side)]
            if self.prefixes is not None:
                self.prefixes.repeat(begun)
            self.driver.execute(tasks)
            if not tasks and not any(begun.values()):
                return

    def _prove_warm_start(self, *, sweeping: bool = False) -> None:
        """Compare warm with clean executions of both ends, of the oldest release only where it is executed anyway."""
        own = [position for position, name in enumerate(self.names) if name not in self.searched.assume]
        oldest = self.searched.from_given or sweeping or self.searched.strategy == "sweep"
        ends = dict.fromkeys([*(own[:1] if oldest else []), *own[-1:]])
        further = [position for position in reversed(own) if position not in ends][:_FURTHER]
        prove_warm_start(self.driver, [(arm, end) for end in ends for arm in self.driver.arms], further)

    def _ends(self) -> list[int]:
        """Return the positions of the ends that any search executes; what is assumed is none."""
        own = self._own()
        return list(dict.fromkeys([*(own[:1] if self.searched.from_given else []), *own[-1:]]))

    def _own(self) -> list[int]:
        """Return the positions that no verdict is assumed for."""
        return [position for position, name in enumerate(self.names) if name not in self.searched.assume]

    def _weigh_cost(self) -> None:
        """Measure what an execution costs, and tell the searches which releases are cheap."""
        if self.searched.strategy == "sweep":
            return
        auto = self.searched.strategy == "auto"
        cheap = cost.cheap(self.driver, self._ends()) if auto else stored(self.driver)
        sweeping = auto and len(cheap) == len(self.names)
        names = [self.names[position] for position in sorted(cheap)]
        self.searched = replace(self.searched, cheap=names, jobs=self._jobs(sweeping=sweeping))
        if len(cheap) == len(self.names):
            self.driver.session.lock_beside()
            self._prove_warm_start(sweeping=True)

    def _goes_by_prefix(self) -> bool:
        """Tell whether the first steps of every release are executed first: as asked, or since full jobs are dear."""
        session = self.driver.session
        if self.searched.strategy != "auto" or not_possible(session) or not self._own():
            return self.searched.strategy == "prefix" and bool(self._own())
        return cost.by_prefix(self.driver, self._own()[-1:], session.asked.question.plan.prefix)

    def _find_classes(self) -> None:
        """Execute the first steps of every release; where equal ones prove nothing, search as noise demands."""
        session, own = self.driver.session, self._own()
        plan = session.asked.question.plan
        session.lock_beside()
        while True:  # what an interruption leaves is told
            self.prefixes = Prefixes(self.driver, plan.prefix)
            self.prefixes.execute(own)
            if not distrust_environments(self.driver):
                break
        if said := self.prefixes.contradiction():
            session.executor.notes.append(said)
            self.driver.watcher.note(f"warning: {said}")
            self.prefixes, self.searched = None, replace(self.searched, strategy="noisy")
            return
        full = self.prefixes.budget(plan.full_jobs)
        self.searched = replace(self.searched, strategy="prefix", full=full, jobs=self._jobs(sweeping=False))
