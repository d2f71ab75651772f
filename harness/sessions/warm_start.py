"""The warm start is believed only where a clean process gives the same, and given up for the whole run elsewhere.

A child of the warm parent gets what the parent drew or loaded: random states, the order of sets, the modules that
are there. A clean process draws and loads all of that anew. Whether a job shows the difference cannot be known
beforehand, so it is observed: at the start on the ends of the range, later on every release that is repeated.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.sessions.arm_map import Findings
    from harness.sessions.driver import Driver
    from harness.sessions.finding import Finding


Place = tuple[str, int]
"""Name of the arm, position of the release."""


class Aspect(StrEnum):
    """What two executions of one release are compared in."""

    END = "exit status"
    TRACE = "training trace"
    CENSUS = "census"
    VALUES = "recorded values"
    OUTPUTS = "outputs"
    VERDICT = "verdict or failure"
    WARNINGS = "warnings"
    TEXT = "printed text"


class Difference(NamedTuple):
    """A release that a warm and a clean process executed unequally."""

    arm: str
    position: int
    aspect: Aspect


def prove_warm_start(driver: Driver, ends: Sequence[Place], further: Sequence[int] = ()) -> None:
    """Execute releases as first executions are, those that started warm once more clean, and compare both.

    Unless one release of every arm was tested both ways and all are equal in everything, every execution is clean
    from then on, and what was executed warm is executed anew. The clean executions are the first repeats, so they
    count as confirmations too.

    Args:
        driver: Executes.
        ends: Names of arms and positions of the releases to compare.
        further: Positions that are tried one after the other in the arms that have no release to tell by.
    """
    wanted = list(ends)
    arms = dict.fromkeys(arm for arm, _ in ends) or driver.arms
    left = iter(further)
    while driver.session.executor.warm:
        driver.execute([(arm, position, 0) for arm, position in wanted])
        warm = [one for one in wanted if _warm(driver.findings[one[0]][one[1]][0])]
        driver.execute([(arm, position, 1) for arm, position in warm])
        if distrust_warm_start(driver):
            return
        unsure = [arm for arm in arms if not _shown(driver.findings[arm])]
        if not unsure:
            return
        position = next(left, None)
        if position is None:
            _give_up(driver, "")
            return
        wanted = [(arm, position) for arm in unsure]


def _shown(findings: Findings) -> bool:
    """Tell whether a release of an arm was tested both warm and clean; a skip tells nothing."""
    return any(
        1 in repeats and _warm(repeats.get(0)) and repeats[0].verdict != Verdict.SKIP
        for repeats in findings.values()
    )


def distrust_warm_start(driver: Driver) -> bool:
    """Execute everything anew in clean processes if a warm execution differs from a clean one of the same release.

    A job that differs between two clean processes as well counts too: nobody can show of it that a warm start is
    invisible.

    Returns:
        Whether any differs.
    """
    found = next(differences(driver), None)
    if found is None:
        return False
    version = driver.session.releases[found.position].version
    _give_up(
        driver,
        f"{version} in arm {found.arm} differed between a warm process and a clean one ({found.aspect}); "
        "what had been executed warm was executed anew",
    )
    return True


def differences(driver: Driver) -> Iterator[Difference]:
    """Yield each first, warm execution that is unlike a clean one of the same release in the same arm."""
    for arm, findings in driver.findings.items():
        for position, repeats in findings.items():
            if not _warm(repeats.get(0)):
                continue
            for repeat, finding in repeats.items():
                aspect = unlike(repeats[0], finding) if repeat else None
                if aspect is not None:
                    yield Difference(arm, position, aspect)


def unlike(one: Finding, other: Finding) -> Aspect | None:
    """Return the first aspect in which two executions differ, None where all are equal.

    The text that a job prints and its warnings count where it leaves no training trace: beside a trace they tell
    nothing more, and hold times and progress. Seconds, memory and process ids never count.
    """
    if len(one.seeds()) != len(other.seeds()):
        return Aspect.END
    for mine, others in zip(one.seeds(), other.seeds(), strict=True):
        facts = _facts(others)
        for aspect, fact in _facts(mine).items():
            if facts.get(aspect) != fact:
                return aspect
    return None


def _facts(finding: Finding) -> dict[Aspect, str]:
    """Return what one seed gave, as texts in which NaN equals NaN."""
    judgement, trace, result = finding.judgement, finding.trace, finding.result
    facts: dict[Aspect, object] = {
        Aspect.END: (result.execution.ended, result.execution.code) if result else None,
        Aspect.TRACE: (finding.trace_digest, finding.identity),
        Aspect.CENSUS: finding.census,
        Aspect.VALUES: sorted((name, list(values)) for name, values in trace.records.items()),
        Aspect.OUTPUTS: trace.outputs,
        Aspect.VERDICT: (judgement.verdict.value, judgement.fingerprint),
    }
    if not trace.steps:
        facts[Aspect.WARNINGS] = trace.warnings
        facts[Aspect.TEXT] = result.output() if result else ""
    return {aspect: repr(fact) for aspect, fact in facts.items()}


def _give_up(driver: Driver, why: str) -> None:
    """Execute clean from now on; what was executed warm, in this run or by an earlier one, is executed anew."""
    driver.session.executor.give_up_warm(why)
    driver.session.store.distrusted.add("warm")
    renew_warm(driver)


def renew_warm(driver: Driver) -> None:
    """Execute anew what was executed warm; the warm start has been given up."""
    again = [
        (arm, position, 0)
        for arm, findings in driver.findings.items()
        for position, repeats in findings.items()
        if _warm(repeats.get(0))
    ]
    for arm, position, repeat in again:
        del driver.findings[arm][position][repeat]
    driver.execute(again)


def _warm(finding: Finding | None) -> bool:
    results = [one.result for one in finding.seeds()] if finding else []
    return any(result is not None and result.execution.start == "warm" for result in results)
