"""What is said of the changes between two environments, made from the facts: one sentence, and rows for tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from harness.report.blamed import PythonRole, Standing
from harness.report.text import capital, one_line
from harness.search.culprits import Conclusion, Innocence
from harness.search.mixtures import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.report.blamed import (
        BlameResult,
        BoundaryInside,
        ChangeResult,
        CulpritSetResult,
        EnvironmentResult,
    )
    from harness.report.model import ArmResult, ReleaseResult

_NAMED = 4
"""Packages that are named one by one."""

WAYS = {
    Innocence.REVERTED_IN_BAD: "a mixture without its change fails",
    Innocence.APPLIED_IN_GOOD: "a mixture with its change is good",
    Innocence.NEVER_LOADED: "neither environment loads it",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One change as a table has it: `standing` in a word or two, and what shows it."""

    name: str
    before: str
    after: str
    standing: str
    shown: str
    tone: str


def sentence(blame: BlameResult, arm: ArmResult) -> str:
    """Return the answer, never more than what was executed.

    Args:
        blame: The facts.
        arm: Both environments, as the releases `good` and `bad`.
    """
    return " ".join(f"{one}." for one in _Words(blame, arm).sentences())


@dataclass(frozen=True, slots=True)
class _Words:
    blame: BlameResult
    arm: ArmResult

    def sentences(self) -> list[str]:
        if self.blame.found:
            return self._found()
        return [capital(self._not_found()), *map(capital, self._unlike())]

    # -- culprits -----------------------------------------------------------------------------------------------

    def _found(self) -> list[str]:
        blame = self.blame
        sets = [self._set(one) for one in blame.sets]
        said = _listed(sets, "; by itself too, ") if len(sets) > 1 else "".join(sets)
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
            f"This is shown by mixtures that were installed against what packages require: {_some(against)}"
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
            said = f"{_listed(parts)} did it together{cured if all(one.reversed) else ''}"
        else:
            alone = (
                not one.required and len(self.blame.sets) == 1 and not with_others and len(one.parts[0]) == 1
            )
            said = f"{parts[0]} did it{', alone' if alone else ''}"
        needed = [self._change(place) for place in one.required]
        return said + (f" (with {_listed(needed)}, without which no mixture shows it)" if needed else "")

    def _part(self, part: Sequence[int]) -> str:
        names = [self._change(place) for place in part]
        if len(names) == 1:
            return names[0]
        ties = [one.requirement for one in self.blame.ties if {*one.applied, *one.needed} <= set(part)]
        why = f": {'; '.join(dict.fromkeys(ties))}" if ties else ""
        return f"{_listed(names)}, as one unit that nothing that was tried separates{why},"

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
        located = [one for one in self.blame.inside if one.good]
        return [_release(one, several=len(self.blame.inside) > 1) for one in located]

    def _change(self, place: int) -> str:
        return called(self.blame.changes[place])

    # -- no culprit ---------------------------------------------------------------------------------------------

    def _not_found(self) -> str:
        blame = self.blame
        if blame.conclusion == Conclusion.END_UNTESTABLE:
            return self._untestable()
        sets = len(blame.sets)
        return {
            Conclusion.BOTH_GOOD: (
                f"the difference is not in the packages: {blame.bad.given}, rebuilt here from what it lists, is good "
                f"as {blame.good.given} is"
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
            f"the {side} environment cannot be rebuilt here: {one_line(one.unresolvable, 400)}"
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

    def _unlike(self) -> list[str]:
        blame = self.blame
        left = sorted({str(one["name"]) for side in (blame.good, blame.bad) for one in side.left_out})
        said = [f"not compared: {', '.join(blame.unlike)}"] if blame.unlike else []
        if left and blame.conclusion in (
            Conclusion.BOTH_GOOD,
            Conclusion.END_UNTESTABLE,
            Conclusion.BOTH_BAD,
        ):
            said.append(f"left out of both environments: {_some(left)}")
        if blame.conclusion == Conclusion.BOTH_GOOD and not blame.unlike and not left:
            said.append(
                "variables, data, drivers and the machine itself are not compared; Python and platform are as listed here"
            )
        return said

    def _side(self, name: str) -> ReleaseResult | None:
        return next((row for row in self.arm.releases if row.version == name), None)


@dataclass(frozen=True, slots=True)
class _NoPython:
    role: PythonRole = PythonRole.NOT_ASKED


_NO_PYTHON = _NoPython()


def _release(one: BoundaryInside, *, several: bool) -> str:
    """Return where a culprit changed, as far as its run shows; with several culprits it begins with the name."""
    name = one.name if several else ""
    unsure = "" if one.confirmed else ", not confirmed"
    if one.upgrade and one.first and one.conclusion == "regressed":
        head = (
            f"{name} {one.bad} is its first bad release" if several else f"its first bad release is {one.bad}"
        )
        return f"{head}{unsure}"
    if one.first and one.upgrade:
        return f"{one.name} {one.good} is good, and the next release, {one.bad}, is bad{unsure}"
    if one.first:
        return f"{one.name} {one.bad} is bad, and the next release, {one.good}, is good{unsure}"
    return f"{one.name} {one.good} is good and {one.bad} is bad, and releases between them have no verdict{unsure}"


def called(change: ChangeResult) -> str:
    """Return a change as `tokenizers 0.22.2 -> 0.23.1`."""
    if change.before is None:
        return f"{change.name} {change.after} (added)"
    if change.after is None:
        return f"{change.name} {change.before} (removed)"
    return f"{change.name} {change.before} -> {change.after}"


def _listed(texts: Sequence[str], last: str = " and ") -> str:
    if last != " and ":
        return last.join(texts)
    return last.join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def _named(changes: Sequence[ChangeResult]) -> str:
    return _some([called(one) for one in changes])


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return _listed(names) if more <= 0 else f"{', '.join(names[:_NAMED])} and {more} more"


def _goes(changes: Sequence[ChangeResult]) -> str:
    return "goes" if len(changes) == 1 else "go"


def _it(changes: Sequence[ChangeResult]) -> str:
    return f"{changes[0].name} adds" if len(changes) == 1 else "these add"


def _reason(row: ReleaseResult | None) -> str:
    return one_line(row.reason, 300) if row else "not executed"


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


# -- rows and lines ------------------------------------------------------------------------------------------------


def rows(blame: BlameResult) -> list[Row]:
    """Return a row a change: culprits first, then what is tied to them or unknown, then the innocent ones."""
    order = [Standing.CULPRIT, Standing.TIED, Standing.UNDECIDED, Standing.INNOCENT]
    tones = {Standing.CULPRIT: "bad", Standing.INNOCENT: "good"}
    changes = sorted(blame.changes, key=lambda one: (order.index(one.standing), one.name))
    return [
        Row(
            one.name,
            one.before or "absent",
            one.after or "absent",
            _STANDINGS[one.standing],
            _shown(blame, one),
            tones.get(one.standing, "warn"),
        )
        for one in changes
    ]


_STANDINGS = {
    Standing.CULPRIT: "culprit",
    Standing.TIED: "tied to a culprit",
    Standing.INNOCENT: "innocent",
    Standing.UNDECIDED: "not known",
}


def _shown(blame: BlameResult, change: ChangeResult) -> str:
    place = blame.changes.index(change)
    if change.standing == Standing.CULPRIT:
        release = [
            _release(one, several=True) for one in blame.inside if one.name == change.name and one.good
        ]
        return "; ".join([*_guilt(blame, place), *release])
    ways = [WAYS[way] for way in change.ways]
    ties = [one.requirement for one in blame.ties if place in (*one.applied, *one.needed)]
    return "; ".join([*ways, *(dict.fromkeys(ties) if change.standing == Standing.TIED else ())])


def _guilt(blame: BlameResult, place: int) -> list[str]:
    """Return what shows that a change is a culprit."""
    said = []
    for one in blame.sets:
        for part, cured in zip(one.parts, one.reversed, strict=True):
            if place in part:
                others = [
                    blame.changes[other].name for other in {*chain(*one.parts), *one.required} - {place}
                ]
                along = [blame.changes[other].name for other in {*part, *one.along} - {place}]
                also = f", {_some(sorted(others))}," if others else ""
                without = f" and {_some(sorted(along))}" if along else ""
                said.append(f"the good environment with it{also} fails")
                said += [f"the bad environment without it{without} is good"] if cured else []
    return said


def support(blame: BlameResult) -> str:
    """Return what the answer rests on and what it took, in one line."""
    executed = Counter(one.outcome for one in blame.steps if one.outcome != Outcome.UNRESOLVED)
    kinds = ", ".join(f"{count} {outcome.value}" for outcome, count in sorted(executed.items()))
    refused = f"; {blame.refusals} mixtures cannot be resolved" if blame.refusals else ""
    disk = f"; {blame.disk / 1e6:.0f} MB of environments are left" if blame.disk else ""
    if not blame.steps:
        return ""
    return (
        f"{len(blame.changes)} packages changed; {blame.executions} executions ({kinds}){refused}; "
        f"{blame.seconds:.0f} s{disk}"
    )


def replaced(blame: BlameResult) -> list[str]:
    """Return a line for each package that could not be installed as its list has it."""
    return [line for side, one in (("good", blame.good), ("bad", blame.bad)) for line in _replaced(side, one)]


def _replaced(side: str, environment: EnvironmentResult) -> list[str]:
    lines = [
        f"{side}: {one['name']} {one['stand_in']} stands in for {one['version'] or 'what is listed'} ({one['reason']})"
        for one in environment.stood_in
    ]
    lines += [
        f"{side}: {' '.join(filter(None, [one['name'], one['version']]))} is left out of both environments ({one['reason']})"
        for one in environment.left_out
    ]
    if environment.held:
        lines.append(
            f"{side}: {' and '.join(environment.held)} as the index has them now, since no older file fits"
        )
    lines += [f"{side}: its list contradicts itself: {one}" for one in environment.contradictions]
    return lines


def rebuilding(run: str) -> list[str]:
    """Return commands that make both environments by hand, in the folder in which a run's folder `run` lies."""
    return [
        f"uv venv {side} && uv pip install --python {side} --no-deps --require-hashes -r {run}/locks/{side}.txt"
        for side in ("good", "bad")
    ]
