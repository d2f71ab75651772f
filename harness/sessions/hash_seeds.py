"""Whether a verdict depends on the hash seed, by which Python orders sets of texts: observed, never guessed.

Repeats have other hash seeds than first executions. Where they give another verdict, the release is executed
further times with a seed that failed and with one that passed. Only if every one of those gives the verdict that its
seed gave before does the release depend on the hash seed; else it disagrees with itself for another reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.probes.probe import RANDOM
from harness.sessions.observation import observe
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.sessions.driver import Driver
    from harness.sessions.finding import Finding

FURTHER = 3
"""Executions with each of the two seeds. A job that fails by chance alone agrees with itself in all six of them in
(p (1 - p)) ** 3 of all cases, at most one in 64."""

_MOST = 3
"""Releases of an arm that are examined: the question is whether the job depends on the hash seed at all."""


@dataclass(frozen=True, slots=True)
class HashSeedDependence:
    """A release whose verdict depends on the hash seed.

    Attributes:
        version: The release.
        fails, passes: A value of PYTHONHASHSEED with which every execution was bad, and one with which all were good.
        executions: How many there were of each, at least.
    """

    version: str
    fails: str
    passes: str
    executions: int

    def to_dict(self) -> dict[str, Any]:
        """Return all fields."""
        return {name: getattr(self, name) for name in self.__slots__}

    def sentence(self) -> str:
        """Say it in one line."""
        return (
            f"the verdict of {self.version} depends on the hash seed: PYTHONHASHSEED={self.fails} fails, "
            f"{self.passes} passes, each in all of {self.executions} executions"
        )


def dependences(driver: Driver) -> dict[str, HashSeedDependence]:
    """Return {arm: the first release found whose verdict depends on the hash seed}, executing what shows it.

    Raises:
        KeyboardInterrupt: After every running probe was ended.
    """
    if driver.session.alone:  # such verdicts rest on times or memory, which differ anyway
        return {}
    found: dict[str, HashSeedDependence] = {}
    for arm, findings in driver.findings.items():
        split = [(position, pair) for position, repeats in findings.items() if (pair := _opposed(repeats))]
        for position, (fails, passes) in split[:_MOST]:
            if _again(driver, arm, position, fails, Verdict.BAD) and _again(
                driver, arm, position, passes, Verdict.GOOD
            ):
                version = driver.session.releases[position].version
                found[arm] = HashSeedDependence(version, fails, passes, FURTHER + 1)
                break
    return found


def _opposed(repeats: Mapping[int, Finding]) -> tuple[str, str] | None:
    """Return a hash seed that failed and one that passed; None unless each seed gave one verdict alone."""
    seeds: dict[str, set[Verdict]] = {}
    for finding in repeats.values():
        if finding.result is not None:
            seeds.setdefault(finding.result.hash_seed, set()).add(finding.verdict)
    fails = [seed for seed, verdicts in seeds.items() if verdicts == {Verdict.BAD}]
    passes = [seed for seed, verdicts in seeds.items() if verdicts == {Verdict.GOOD}]
    contradicted = any(len(verdicts) > 1 for verdicts in seeds.values())
    if contradicted or RANDOM in seeds or not fails or not passes:
        return None
    return fails[0], passes[0]


def _again(driver: Driver, name: str, position: int, hash_seed: str, expected: Verdict) -> bool:
    """Execute a release further times with one hash seed; tell whether all give the verdict that is expected."""
    arm = driver.arms[name]
    asked = replace(
        arm,
        name=f"{name}, PYTHONHASHSEED={hash_seed}",
        instructions={**arm.instructions, "hash_seed": hash_seed},
        of=arm.of or name,
    )
    version = driver.session.releases[position].version
    for repeat in range(
        1, FURTHER + 1
    ):  # from 1: clean processes, for a forked child keeps its parent's seed
        driver.watcher.started(asked.name, version, repeat)
        finding = observe(driver.session, asked, position, repeat)
        driver.watcher.finished(asked.name, version, repeat, finding)
        if finding.verdict != expected:
            return False
    return True
