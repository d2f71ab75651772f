"""Causes, remedies and survival of one run, once its boundaries stand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.cause.bench import Bench
from harness.cause.divergence import diverge
from harness.cause.fixes import broken, columns, matrix, trials
from harness.cause.groups import groups
from harness.cause.lines import lines
from harness.cause.mechanism import explain
from harness.cause.operations import first_operation
from harness.cause.profile import profile
from harness.cause.survival import survival
from harness.cause.transplant import CONFIRMED, SUPPORTED, Pair, difference, search
from harness.report.attribution import CauseResult, MatrixResult, SurvivalResult
from harness.report.causes import best, sentence
from harness.report.profile import sentence as profile_sentence
from harness.sessions.arm_map import arrange, noise_of
from harness.verdicts.oracles import profiled
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.scenario import Arm
    from harness.search import Answer
    from harness.search.boundaries import Boundary
    from harness.sessions.arm_map import ArmMap
    from harness.sessions.investigation import Investigation

CHEAP_REMEDIES = 300.0
"""Seconds that remedies may take where nobody asked for them."""
MOST_EXPLAINED = 6
"""Boundaries explained in one arm where no verdict changes, and boundaries that are profiled."""


class Remedies(StrEnum):
    """On which releases remedies are tried."""

    NONE = "none"
    CHEAP = "cheap"
    """On the newest bad release and on the first one behind the newest regression, if that takes little time."""
    ALL = "all"
    """On both sides of every boundary, and on the newest release."""


@dataclass(slots=True)
class Attribution:
    """What was found, as far as it was: an interrupted run keeps what is here."""

    causes: list[CauseResult] = field(default_factory=list)
    matrices: list[MatrixResult] = field(default_factory=list)
    curves: list[SurvivalResult] = field(default_factory=list)
    remedies_left: dict[str, float] = field(default_factory=dict)
    """{arm: seconds that its remedies would take}, where that was too long to try them unasked."""


def attribute(investigation: Investigation, found: Attribution, *, causes: bool, remedies: Remedies) -> None:
    """Explain the boundaries of every arm and try remedies.

    Args:
        investigation: Has found the boundaries.
        found: What is found is put here at once.
        causes: Whether to explain.
        remedies: On which releases to try remedies.

    Raises:
        KeyboardInterrupt: After every running probe was ended.
    """
    driver, answers = investigation.driver, investigation.answers()
    session = driver.session
    bench = Bench(session, driver.watcher, driver.jobs)
    maps = {
        name: arrange(len(session.releases), findings, answers[name].judged)
        for name, findings in driver.findings.items()
    }
    for name, arm_map in maps.items():
        for position, finding in enumerate(arm_map.firsts):
            curve = survival(name, session.releases[position].version, finding)
            if curve:
                found.curves.append(curve)
    for name, arm_map in maps.items() if causes else ():
        for cause in _causes(driver.arms[name], arm_map, answers[name], bench):
            found.causes.append(cause)
    for name, arm_map in maps.items() if remedies != Remedies.NONE else ():
        ends = [boundary for boundary, _ in _ends(answers[name])]
        chosen = columns(arm_map, ends) if remedies == Remedies.ALL else broken(arm_map, ends)
        tried = trials(driver.arms[name], chosen, session.asked.scenario.fixes)
        seconds = len(tried) * arm_map.mean_seconds() / driver.jobs
        if remedies == Remedies.CHEAP and seconds > CHEAP_REMEDIES:
            found.remedies_left[name] = seconds
            continue
        made = matrix(driver.arms[name], arm_map, chosen, session.asked.scenario.fixes, bench)
        if made:
            found.matrices.append(made)


def _causes(arm: Arm, arm_map: ArmMap, answer: Answer, bench: Bench) -> Iterator[CauseResult]:
    """Yield the cause of each boundary, as it is found."""
    metric = profiled(bench.session.asked.scenario.oracle)
    if metric:
        for pair, boundary in sides(arm, arm_map, answer):
            yield _profile(pair, boundary, metric, bench)
        return
    for pair, boundary, signal in pairs(arm, arm_map, answer):
        yield _cause(pair, boundary, signal, bench)


def _ends(answer: Answer) -> list[tuple[Boundary, str]]:
    """Return the boundaries in verdict, and those of another failure, oldest first."""
    failures = [(boundary, "failure") for boundary in answer.other_failures if not boundary.untested]
    return sorted([*((boundary, "verdict") for boundary in answer.boundaries), *failures], key=_position)


def _position(end: tuple[Boundary, str]) -> int:
    return end[0].before


def pairs(arm: Arm, found: ArmMap, answer: Answer) -> list[tuple[Pair, Boundary, str]]:
    """Return the boundaries to explain, each with its signal: verdict, failure or, where that is all, trace.

    Where several seeds are one execution, traces tell nothing that one exchange could restore. A job that records no
    census leaves nothing that could be exchanged.

    Args:
        arm: Where.
        found: The findings.
        answer: Of the search: it has the boundaries in verdict.
    """
    noise = noise_of(found.firsts, found.repeats) if found.deterministic is False else {}
    chosen = _ends(answer)
    if not any(first.parts for first in found.firsts):
        places = {(boundary.before, boundary.after) for boundary, _ in chosen}
        others = [one for one in found.boundaries("trace") if (one.before, one.after) not in places]
        unexplained = [(boundary, "trace") for boundary in others if not boundary.untested]
        chosen = sorted([*chosen, *unexplained[:MOST_EXPLAINED]], key=_position)
    return [
        (_pair(arm, found, boundary, signal, noise), boundary, signal)
        for boundary, signal in chosen
        if found.firsts[boundary.before].trace.census or found.firsts[boundary.after].trace.census
    ]


def sides(arm: Arm, found: ArmMap, answer: Answer) -> list[tuple[Pair, Boundary]]:
    """Return the newest boundaries in verdict, oldest first, with their sides."""
    chosen = [boundary for boundary, _ in _ends(answer)][-MOST_EXPLAINED:]
    return [(_pair(arm, found, boundary, "verdict", {}), boundary) for boundary in chosen]


def _pair(arm: Arm, found: ArmMap, boundary: Boundary, signal: str, noise: Mapping[str, float]) -> Pair:
    return Pair(
        arm=arm,
        older=boundary.before,
        newer=boundary.after,
        before=found.firsts[boundary.before],
        after=found.firsts[boundary.after],
        good_is_older=boundary.kind != "fixed",
        by_verdict=signal != "trace",
        noise=noise,
    )


def _profile(pair: Pair, boundary: Boundary, metric: str, bench: Bench) -> CauseResult:
    """Return what takes more time or memory, or makes more calls, on one side of a boundary."""
    made = profile(pair, metric, bench)
    older, newer = (bench.session.releases[place].version for place in (pair.older, pair.newer))
    proven = made.exchange is not None and made.exchange.status in {CONFIRMED, SUPPORTED}
    status = made.exchange.status if made.exchange and proven else "not confirmed"
    cause = CauseResult(
        pair.arm.name, older, newer, boundary.kind, "verdict", status, "", [], [], [], profile=made
    )
    return replace(cause, sentence=profile_sentence(cause))


def _cause(pair: Pair, boundary: Boundary, signal: str, bench: Bench) -> CauseResult:
    older, newer = pair.before.trace.census, pair.after.trace.census
    found = groups(older, newer) if older and newer else []
    attempts = search(pair, found, bench)
    differences = [difference(group) for group in found]
    proof = best(attempts)
    bad = pair.after if pair.good_is_older else pair.before
    versions = [bench.session.releases[place].version for place in (pair.older, pair.newer)]
    return CauseResult(
        arm=pair.arm.name,
        before=versions[0],
        after=versions[1],
        kind=boundary.kind,
        signal=signal,
        status=proof.status if proof else "unknown",
        sentence=sentence(proof, by_verdict=pair.by_verdict),
        differences=differences,
        attempts=attempts,
        mechanisms=explain(bad.trace) if bad.verdict == Verdict.BAD else [],
        ladder=diverge(pair, bench) if differences else None,
        lines=lines(pair, attempts, differences, bench),
        operations=first_operation(pair, bench),
    )
