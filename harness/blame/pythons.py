"""Two environments with different Pythons: Python is one more change, and the first to be decided.

Both lists of packages are executed with either Python, as far as wheels allow. What these four corners show is whether
Python does it, alone or together with packages, and with which Python the packages can be searched.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.blame.comparison import BAD, GOOD, TWICE
from harness.blame.failure import KnownFailure
from harness.report.blamed import PythonRole
from harness.search.culprits import Conclusion
from harness.search.mixtures import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.blame.prepare import BlameAsked, Prepared
    from harness.sessions.finding import Finding


@dataclass(frozen=True, slots=True)
class PythonTrial:
    """What the exchange of Python showed.

    Attributes:
        good, bad: Version of Python of the good and of the bad environment.
        role: What Python does.
        conclusion: What the four corners come to, where the packages are not searched.
        held: The environments with the Python that the packages are searched with; each with its own where they are not.
        failure: How the bad environment fails.
        corners: (packages, Python, execution) of every execution; each side is `good` or `bad`.
    """

    good: str
    bad: str
    role: PythonRole
    conclusion: Conclusion
    held: Prepared
    failure: KnownFailure
    corners: tuple[tuple[str, str, Finding], ...] = field(default=())


def try_pythons(asked: BlameAsked, first: Prepared, second: Prepared) -> PythonTrial:
    """Execute both lists of packages with both Pythons.

    Args:
        asked: Says whether every failure counts.
        first: Both environments with the good one's Python.
        second: Both with the bad one's.

    Raises:
        HarnessError: As the parts say.
        KeyboardInterrupt: After every running probe was ended.
    """
    ends = _executed(first, GOOD), _executed(second, BAD)
    failure = KnownFailure.of(ends[1], any_failure=asked.asked.question.plan.any_failure)
    corners = [*_corner("good", "good", ends[0]), *_corner("bad", "bad", ends[1])]
    good, bad = (_common(failure, one) for one in ends)
    if (good, bad) != (Outcome.GOOD, Outcome.BAD):
        role, conclusion = PythonRole.NOT_ASKED, _of_ends(good, bad)
    else:
        crossed = _executed(second, GOOD), _executed(first, BAD)
        corners += [*_corner("good", "bad", crossed[0]), *_corner("bad", "good", crossed[1])]
        role = _role(*(_common(failure, one) for one in crossed))
        conclusion = _CONCLUSIONS.get(role, Conclusion.UNFINISHED)
    held = first if role in (PythonRole.EITHER, PythonRole.REVERTED) else second
    if not role.searched:  # each environment is told as it is with its own Python
        own = (first.rebuilt[GOOD], second.rebuilt[BAD])
        held = replace(second, rebuilt=own, comparison=second.comparison or first.comparison)
    return PythonTrial(
        first.interpreter.version,
        second.interpreter.version,
        role,
        conclusion,
        held,
        failure,
        tuple(corners),
    )


_CONCLUSIONS = {
    PythonRole.ALONE: Conclusion.FOUND,
    PythonRole.APPLIED: Conclusion.FOUND_NOT_REVERSED,
    PythonRole.UNDECIDED: Conclusion.END_UNTESTABLE,
}


def _role(with_new: Outcome | None, with_old: Outcome | None) -> PythonRole:
    """Return what Python does.

    Args:
        with_new: What the good environment's packages do with the bad one's Python.
        with_old: What the bad environment's packages do with the good one's Python.
    """
    good, bad = Outcome.GOOD, Outcome.BAD
    roles: dict[tuple[Outcome | None, Outcome | None], PythonRole] = {
        (bad, good): PythonRole.ALONE,
        (bad, bad): PythonRole.EITHER,
        (bad, None): PythonRole.APPLIED,
        (good, bad): PythonRole.INNOCENT,
        (good, good): PythonRole.TOGETHER,
        (good, None): PythonRole.HELD,
        (None, bad): PythonRole.REVERTED,
    }
    return roles.get((with_new, with_old), PythonRole.UNDECIDED)


def _of_ends(good: Outcome | None, bad: Outcome | None) -> Conclusion:
    conclusions: dict[tuple[Outcome | None, Outcome | None], Conclusion] = {
        (Outcome.GOOD, Outcome.GOOD): Conclusion.BOTH_GOOD,
        (Outcome.BAD, Outcome.BAD): Conclusion.BOTH_BAD,
        (Outcome.BAD, Outcome.GOOD): Conclusion.REVERSED,
    }
    return conclusions.get((good, bad), Conclusion.END_UNTESTABLE)


def _executed(prepared: Prepared, place: int) -> list[Finding]:
    comparison = prepared.comparison
    if comparison is None:
        return []
    mixtures = comparison.mixtures
    mixtures.driver.execute([(mixtures.arm, place, repeat) for repeat in range(TWICE)])
    return comparison.findings(place)


def _common(failure: KnownFailure, findings: Sequence[Finding]) -> Outcome | None:
    """Return what all executions of a corner say; None where they disagree or are no evidence."""
    outcomes = {failure.outcome(one) for one in findings}
    found = outcomes.pop() if len(outcomes) == 1 else None
    return found if found in (Outcome.GOOD, Outcome.BAD) else None


def _corner(packages: str, python: str, findings: Sequence[Finding]) -> list[tuple[str, str, Finding]]:
    return [(packages, python, one) for one in findings]
