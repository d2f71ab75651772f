"""Every release executed for its first steps alone: which of them begin alike, and whether that can be believed.

The recorder ends such an execution after so many steps. It is stored under an address of its own, and has no verdict.
An execution that comes to its own end before that, by an error or a value that is not finite, has been executed as a
whole: it is kept as the full execution too, and costs nothing more. So is one that begins otherwise than a neighbour and
went on at once. A release that is executed in full anyway, or is stored so, shows its first steps for nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.report.model import PrefixResult
from harness.sessions.driver import Driver
from harness.sessions.finding import executions
from harness.sessions.stored import stored
from harness.sessions.warm_start import prove_warm_start, renew_warm
from harness.traces.census import census_digest
from harness.verdicts.oracles import alone, interleaves
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.sessions.finding import Finding
    from harness.sessions.session import Session
    from harness.traces.trace import Trace

LEAST_PREFIXES = 3
"""How many prefixes long a training must at least be for `auto` to execute prefixes."""


class Prefixes:
    """The first steps of every release, an arm each.

    Args:
        driver: Executes the question; whole executions are handed to it.
        steps: How many steps a prefix has.
    """

    def __init__(self, driver: Driver, steps: int) -> None:
        self.steps = steps
        self._whole = driver
        session = driver.session
        self._named = {arm: f"{arm}, first {steps} steps" for arm in driver.arms}
        arms = [
            replace(
                arm,
                name=self._named[name],
                instructions={**arm.instructions, "prefix": steps},
                of=arm.of or arm.name,
            )
            for name, arm in driver.arms.items()
        ]
        self._begun: dict[tuple[str, int], str] = {}
        asked = replace(session.asked, arms=arms)
        self._driver = Driver(replace(session, asked=asked, goes_on=self._wanted_in_full), driver.watcher)

    def execute(self, positions: Sequence[int]) -> None:
        """Execute the first steps of releases, but of those that are executed in full anyway or are stored so.

        Both ends are executed in full, for any search needs them. Their first steps are executed again in clean
        processes, which shows whether equal ones prove anything. A warm start is believed as `prove_warm_start` tells.
        """
        ends = list(dict.fromkeys([positions[0], positions[-1]]))
        self._whole.execute([(arm, end, 0) for end in ends for arm in self._whole.arms])
        both = [(arm, end) for end in ends for arm in self._named.values()]
        prove_warm_start(self._driver, both, positions[-2:0:-1][:3])
        if "warm" in self._whole.session.store.distrusted:
            renew_warm(self._whole)
        there = stored(self._whole)
        self._whole.execute([(arm, position, 0) for position in sorted(there) for arm in self._whole.arms])
        left = [
            (named, position, 0)
            for position in positions
            for whole, named in self._named.items()
            if not self._whole.findings[whole].get(position)
        ]
        self._driver.execute([*left, *((arm, end, 1) for arm, end in both)])
        self._keep_whole()

    def repeat(self, sides: Mapping[str, Sequence[int]]) -> None:
        """Execute the first steps of releases again, in clean processes.

        Args:
            sides: {arm of the question: positions}.
        """
        tasks = [(self._named[arm], side, 1) for arm, several in sides.items() for side in several]
        self._driver.execute(tasks)

    def results(self, arm: str) -> dict[int, PrefixResult]:
        """Return {position: what its first steps showed} of the releases of an arm whose training went on after them."""
        begun, whole = self._driver.findings[self._named[arm]], self._whole.findings[arm]
        found = {}
        for position in sorted({*begun, *whole}):
            repeats = [one for _, one in sorted(begun.get(position, {}).items())]
            seen = [*repeats, *whole.get(position, {}).values()]
            goes_on = [one for one in seen if self._goes_on(one)]
            if not goes_on:
                continue
            first = goes_on[0]
            digest = _beginning(first, self.steps)
            again = [_beginning(one, self.steps) == digest for one in goes_on if one is not first]
            clean = any(begun.get(position, {}))  # a repeat, whose number is not 0
            found[position] = PrefixResult(
                self.steps,
                digest,
                first.census,
                [{name: one[name] for name in ("probe", "repeat", "seed")} for one in executions(repeats)],
                repeated=all(again) if again and clean else None,
            )
        return found

    def _wanted_in_full(self, named: str, position: int, trace: Trace) -> bool:
        """Tell whether a release begins otherwise than a neighbour: it is an end of a run then, and goes on at once.

        Of the two ends of a run only one can be known in time, for a neighbour that has not begun yet tells nothing.
        """
        own = self._begun[named, position] = beginning([trace], self.steps)
        return any(self._differs(named, position, own, step) for step in (-1, 1))

    def _differs(self, named: str, position: int, own: str, step: int) -> bool:
        """Tell whether the next release on one side is known to begin otherwise, or to have a verdict; skips tell nothing."""
        findings = self._driver.findings[named]
        while 0 <= (position := position + step) < len(self._driver.session.releases):
            if (named, position) in self._begun:
                return self._begun[named, position] != own
            finding = findings.get(position, {}).get(0)
            if finding is None or finding.verdict != Verdict.SKIP:
                return finding is not None and not _stopped(finding)
        return False

    def _goes_on(self, finding: Finding) -> bool:
        """Tell whether a training, of every seed, goes on after its first steps, or was ended after them."""
        return all(
            len(one.trace.steps) >= self.steps
            and not any(
                event["what"] != "gradient" and event["step"] <= self.steps for event in one.trace.nonfinite
            )
            for one in finding.seeds()
        )

    def budget(self, asked: int | None) -> int:
        """Return up to how many full executions look into classes: so many that all is a third of a sweep's steps.

        Args:
            asked: What the question says instead.
        """
        if asked is not None:
            return asked
        longest = max((len(one.trace.steps) for one in self._whole.firsts()), default=0)
        spent = self.steps / longest if longest else 0.0
        return max(0, int(len(self._whole.session.releases) * (1 / 3 - spent)))

    def contradiction(self) -> str:
        """Return why equal first steps prove nothing here: a release begins otherwise when it is executed again; else empty."""
        for arm, findings in self._whole.findings.items():
            for position, prefix in self.results(arm).items():
                full = [
                    _beginning(one, self.steps)
                    for one in findings.get(position, {}).values()
                    if self._goes_on(one)
                ]
                if prefix.repeated is False or any(one != prefix.digest for one in full):
                    version = self._whole.session.releases[position].version
                    return (
                        f"two executions of {version} in arm {arm} differ within {self.steps} steps, so equal first steps "
                        "prove nothing: no release is inferred, and the search is one for jobs that are not reproducible"
                    )
        return ""

    def _keep_whole(self) -> None:
        """Hand over what came to its own end: it is a full execution."""
        tasks = []
        for whole, named in self._named.items():
            for position, repeats in self._driver.findings[named].items():
                for repeat, finding in repeats.items():
                    if not _stopped(finding):
                        self._adopt(whole, position, repeat, finding)
                        tasks.append((whole, position, repeat))
        self._whole.execute(tasks)

    def _adopt(self, arm: str, position: int, repeat: int, finding: Finding) -> None:
        session = self._whole.session
        probes = session.probes(self._whole.arms[arm], position, repeat)
        for probe, one in zip(probes, finding.seeds(), strict=False):
            if one.result is not None:
                session.store.adopt(one.result, probe)


def beginning(traces: Sequence[Trace], steps: int) -> str:
    """Return a digest of what an execution begins with: census, start values and the first steps of every seed."""
    facts = [
        (census_digest(one.census), identity.get("start"), identity.get("batches"), one.head(steps))
        for one in traces
        for identity in [one.identity or {}]
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _beginning(finding: Finding, steps: int) -> str:
    return beginning([one.trace for one in finding.seeds()], steps)


def not_possible(session: Session) -> str:
    """Return why equal first steps tell nothing of a question, or cannot be had; empty if they can."""
    scenario = session.asked.scenario
    oracle = scenario.oracle
    if any((arm.ranks or scenario.ranks) > 1 for arm in session.asked.arms):
        return "the job has several ranks, and all but the one that is ended would wait for it"
    if scenario.tests:
        return "the job runs pytest, whose tests are no steps"
    if alone(oracle):
        return "the oracle judges what the machine does, which equal steps do not decide"
    if any(interleaves(oracle, one) for one in session.calibrations.values()):
        return "the oracle compares a metric beyond noise, which equal steps do not decide"
    if session.overlay is not None:
        return "files are laid over the releases"
    return ""


def _stopped(finding: Finding) -> bool:
    """Tell whether any seed of an execution was ended after its prefix."""
    return any(one.trace.prefix is not None for one in finding.seeds())
