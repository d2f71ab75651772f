"""What is said of the changes between two environments, made from the facts as one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.blame_nothing import no_culprit
from harness.report.blame_words import called, located, some
from harness.report.blamed import PythonRole, Standing
from harness.report.text import listed
from harness.search.culprits import Conclusion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.report.blamed import BlameResult, ChangeResult, CulpritSetResult
    from harness.report.model import ArmResult


def sentence(blame: BlameResult, arm: ArmResult) -> str:
    """Return the answer, never more than what was executed.

    Args:
        blame: The facts.
        arm: Both environments, as the releases `good` and `bad`.
    """
    said = _Words(blame).sentences() if blame.found else no_culprit(blame, arm)
    return " ".join(f"{one}." for one in said)


def culprits(blame: BlameResult) -> str:
    """Return which changes did it, as the beginning of a sentence without its verb; empty if none is named."""
    sets = [sorted({place for part in one.parts for place in part}) for one in blame.sets]
    named = [listed([called(blame.changes[place]) for place in one]) for one in sets]
    said = [f"{name}{' together' if len(one) > 1 else ''}" for one, name in zip(sets, named, strict=True)]
    if blame.python is not None and not sets and blame.found:
        return f"Python {blame.python.good} -> {blame.python.bad}"
    return "; by itself too, ".join(said)


@dataclass(frozen=True, slots=True)
class _Words:
    blame: BlameResult

    def sentences(self) -> list[str]:
        blame = self.blame
        sets = [self._set(one) for one in blame.sets]
        said = listed(sets, "; by itself too, ") if len(sets) > 1 else "".join(sets)
        if blame.python is not None and not sets:
            said = f"Python {blame.python.good} -> {blame.python.bad} did it, alone"
        elif blame.python is not None:
            said += self._python()
        reversal = (
            []
            if blame.conclusion == Conclusion.FOUND
            else ["nothing without it could be executed, so that its reversal is not shown to help"]
        )
        innocent = self._others()
        head = "; ".join(filter(None, [said, *reversal, innocent]))
        inside = self._inside()
        if len(inside) == 1:
            return [f"{head}; {inside[0]}", *self._forced()]
        return [head, *filter(None, ["; ".join(inside)]), *self._forced()]

    def _forced(self) -> list[str]:
        against = list(dict.fromkeys(text for one in self.blame.sets for text in one.against))
        if not against:
            return []
        return [
            f"This is shown by mixtures that were installed against what packages require: {some(against)}"
        ]

    def _set(self, one: CulpritSetResult) -> str:
        parts = [self._part(part) for part in one.parts]
        role = (self.blame.python or _NO_PYTHON).role
        with_others = role in (PythonRole.TOGETHER, PythonRole.EITHER, PythonRole.HELD)
        if len(one.parts) > 1:
            cured = (
                "; without either of them the job is good"
                if len(parts) == 2
                else "; without any of them the job is good"
            )
            said = f"{listed(parts)} did it together{cured if all(one.reversed) else ''}"
        else:
            alone = (
                not one.required and len(self.blame.sets) == 1 and not with_others and len(one.parts[0]) == 1
            )
            said = f"{parts[0]} did it{', alone' if alone else ''}"
        changes = self.blame.changes
        unsure = [place for place in one.required if changes[place].standing != Standing.INNOCENT]
        needed = [self._change(place) for place in unsure]
        return said + (f" (with {listed(needed)}, without which no mixture shows it)" if needed else "")

    def _part(self, part: Sequence[int]) -> str:
        names = [self._change(place) for place in part]
        if len(names) == 1:
            return names[0]
        ties = [one.requirement for one in self.blame.ties if {*one.applied, *one.needed} <= set(part)]
        why = f": {'; '.join(dict.fromkeys(ties))}" if ties else ""
        return f"{listed(names)}, as one unit that nothing that was tried separates{why},"

    def _python(self) -> str:
        python = self.blame.python
        assert python is not None  # noqa: S101 - asked only then
        versions = f"Python {python.good} -> {python.bad}"
        return {
            PythonRole.EITHER: f"; {versions} does it too, by itself",
            PythonRole.TOGETHER: f", together with {versions}: without the one or the other the job is good",
            PythonRole.INNOCENT: f"; {versions} is innocent",
            PythonRole.HELD: f", executed with Python {python.held}; whether {versions} is needed for it is not known",
            PythonRole.REVERTED: f", executed with Python {python.held}; what {versions} does besides is not known",
        }.get(python.role, "")

    def _others(self) -> str:
        innocent = self.blame.standing(Standing.INNOCENT)
        undecided = self.blame.standing(Standing.UNDECIDED)
        tied = self.blame.standing(Standing.TIED)
        count = len(innocent)
        said = []
        if count:
            every = "" if undecided or tied else "the "
            other = (
                f"{every}{count} other changed packages are" if count > 1 else "the other changed package is"
            )
            said.append(f"{other} innocent")
        if tied:
            said.append(
                f"{_named(tied)} {_goes(tied)} along with it, so whether {_it(tied)} to the failure is not known"
            )
        if undecided:
            said.append(f"nothing is known of {_named(undecided)}")
        return "; ".join(said)

    def _inside(self) -> list[str]:
        several = len(self.blame.inside) > 1
        return [located(one, several=several) for one in self.blame.inside if one.good]

    def _change(self, place: int) -> str:
        return called(self.blame.changes[place])


@dataclass(frozen=True, slots=True)
class _NoPython:
    role: PythonRole = PythonRole.NOT_ASKED


_NO_PYTHON = _NoPython()


def _named(changes: Sequence[ChangeResult]) -> str:
    return some([called(one) for one in changes])


def _goes(changes: Sequence[ChangeResult]) -> str:
    return "goes" if len(changes) == 1 else "go"


def _it(changes: Sequence[ChangeResult]) -> str:
    return f"{changes[0].name} adds" if len(changes) == 1 else "these add"
