"""Each test that pytest ran is an arm of its own: its outcome in every release, and where that changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.search.boundaries import Boundary, verdict_changes
from harness.verdicts.pytest_status import outcomes
from harness.verdicts.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.sessions.finding import Finding

_ABSENT = Judgement(Verdict.SKIP, "it was not executed")
_DISAGREE = Judgement(Verdict.SKIP, "executions disagree")


@dataclass(frozen=True, slots=True)
class ArmOfTest:
    """One test over all releases, in order.

    Attributes:
        node: As pytest calls it.
        outcomes: Its verdict in each release; untested where the release was not executed.
        boundaries: Changes between good and bad; confirmed are those whose sides were executed again and agree.
        flaky: Positions of releases in which executions disagree on good or bad; they have no verdict.
    """

    node: str
    outcomes: tuple[Judgement, ...]
    boundaries: tuple[Boundary, ...]
    flaky: tuple[int, ...]


def arms_of_tests(firsts: Sequence[Finding], repeats: Sequence[Sequence[Finding]]) -> list[ArmOfTest]:
    """Return the arms of all tests, in the order in which they were first executed; none where pytest did not run.

    Args:
        firsts: The first execution of each release.
        repeats: All further ones.
    """
    executed = [
        [outcomes(one.trace) for one in (first, *again) if one.trace.pytest is not None]
        for first, again in zip(firsts, repeats, strict=True)
    ]
    nodes = dict.fromkeys(node for several in executed for found in several for node in found)
    return [_arm(node, firsts, executed) for node in nodes]


def _arm(
    node: str, firsts: Sequence[Finding], executed: Sequence[Sequence[Mapping[str, Judgement]]]
) -> ArmOfTest:
    own: list[Judgement] = []
    flaky: list[int] = []
    sure: set[int] = set()
    for position, several in enumerate(executed):
        found = [one[node] for one in several if node in one]
        verdicts = {one.verdict for one in found}
        if {Verdict.GOOD, Verdict.BAD} <= verdicts:
            flaky.append(position)
            own.append(_DISAGREE)
        else:
            own.append(found[0] if found else _missing(firsts[position]))
        if len(found) > 1 and len(verdicts) == 1:
            sure.add(position)
    boundaries = [
        replace(one, confirmed={one.before, one.after} <= sure)
        for one in verdict_changes([judged.verdict for judged in own])
    ]
    return ArmOfTest(node, tuple(own), tuple(boundaries), tuple(flaky))


def _missing(finding: Finding) -> Judgement:
    """Return what a test is in a release in which it did not run."""
    return _ABSENT if finding.verdict in {Verdict.GOOD, Verdict.BAD} else finding.judgement
