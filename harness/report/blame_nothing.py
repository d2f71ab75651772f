"""What is said of two environments where no culprit is named: why that is, never more than what was executed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.blame_words import some
from harness.report.blamed import PythonRole
from harness.report.text import capital, one_line
from harness.search.culprits import Conclusion

if TYPE_CHECKING:
    from harness.report.blamed import BlameResult
    from harness.report.model import ArmResult, ReleaseResult


def no_culprit(blame: BlameResult, arm: ArmResult) -> list[str]:
    """Return why no culprit is named, and what was not compared.

    Args:
        blame: The facts.
        arm: Both environments, as the releases `good` and `bad`.
    """
    words = _Words(blame, arm)
    return [capital(words.why()), *map(capital, words.not_compared())]


@dataclass(frozen=True, slots=True)
class _Words:
    blame: BlameResult
    arm: ArmResult

    def why(self) -> str:
        blame = self.blame
        if blame.conclusion == Conclusion.END_UNTESTABLE:
            return self._untestable()
        sets = len(blame.sets)
        return {
            Conclusion.BOTH_GOOD: (
                f"the difference is {'not in the packages' if blame.python is None else 'neither in the packages nor in Python'}: "
                f"{blame.bad.given}, rebuilt here from what it lists, is good as {blame.good.given} is"
            ),
            Conclusion.BOTH_BAD: (
                "both environments fail in the same way, so no change between them did it: "
                f"{_reason(self._side('bad'))}"
            ),
            Conclusion.REVERSED: (
                f"the environments are exchanged: {blame.good.given} fails ({_reason(self._side('good'))}) and "
                f"{blame.bad.given} is good; ask with --good and --bad the other way round"
            ),
            Conclusion.UNSTABLE: (
                "no culprit is named: executions of the mixtures that an answer would rest on disagree"
            ),
            Conclusion.TOO_MANY: f"no culprit is named: {sets or 'too many'} and more sets of changes make the job fail",
        }.get(blame.conclusion, f"no answer yet: the search was ended after {blame.executions} executions")

    def _untestable(self) -> str:
        """Return what keeps an environment from being executed to a verdict."""
        python = self.blame.python
        if python is not None and python.role == PythonRole.UNDECIDED:
            return (
                f"no culprit is named: whether Python {python.good} -> {python.bad} or packages did it cannot be told, "
                "since the packages of one environment cannot be executed with the other one's Python"
            )
        return next(
            filter(None, [self._not_rebuilt(), self._flaky(), self._no_verdict()]),
            "no culprit is named: an environment has no stable verdict",
        )

    def _not_rebuilt(self) -> str:
        sides = (("good", self.blame.good), ("bad", self.blame.bad))
        return "; ".join(
            f"the {side} environment cannot be rebuilt here: {one_line(one.unresolvable, 400).rstrip('.')}"
            for side, one in sides
            if one.unresolvable
        )

    def _flaky(self) -> str:
        counted = {side: _disagree(row) for side in ("good", "bad") if (row := self._side(side))}
        said = [
            f"executions of the {side} environment disagree, {count}"
            for side, count in counted.items()
            if count
        ]
        return f"no culprit is named: {' and '.join(said)}" if said else ""

    def _no_verdict(self) -> str:
        good, bad = self._side("good"), self._side("bad")
        if good is None or bad is None:
            return ""
        if good.verdict == bad.verdict == "skip":
            alike = good.reason == bad.reason
            head = "both environments fail in the same way and have" if alike else "neither environment has"
            said = _reason(good) if alike else f"{_reason(good)}; {_reason(bad)}"
            return f"{head} {'no' if alike else 'a'} verdict: {said}{_hint(bad)}"
        if good.verdict != "good":
            also = "fails too, in another way" if good.verdict == "bad" else "has no verdict"
            return f"the good environment {also}: {_reason(good)}"
        return (
            "" if bad.verdict == "bad" else f"the bad environment has no verdict: {_reason(bad)}{_hint(bad)}"
        )

    def not_compared(self) -> list[str]:
        blame = self.blame
        left = sorted({str(one["name"]) for side in (blame.good, blame.bad) for one in side.left_out})
        said = [f"not compared: {', '.join(blame.unlike)}"] if blame.unlike else []
        if left and blame.conclusion in (
            Conclusion.BOTH_GOOD,
            Conclusion.END_UNTESTABLE,
            Conclusion.BOTH_BAD,
        ):
            said.append(f"left out of both environments: {some(left)}")
        if blame.conclusion == Conclusion.BOTH_GOOD:
            here = "; ".join(f"{name} {value}" for name, value in blame.machine.items())
            said.append(
                "variables, data, drivers and the machine itself are not compared"
                + (f": compare them where it fails with what is here, {one_line(here, 600)}" if here else "")
            )
        return said

    def _side(self, name: str) -> ReleaseResult | None:
        return next((row for row in self.arm.releases if row.version == name), None)


def _reason(row: ReleaseResult | None) -> str:
    return one_line(row.reason, 300).rstrip(".") if row else "not executed"


def _hint(row: ReleaseResult) -> str:
    return (
        "; if that is the failure you look for: --import-errors bad"
        if row.skip_kind == "import-error"
        else ""
    )


def _disagree(row: ReleaseResult) -> str:
    verdicts = Counter([execution["verdict"] for execution in row.executions])
    bad, good = verdicts["bad"], verdicts["good"]
    return f"{bad} of {bad + good} fail" if bad and good else ""
