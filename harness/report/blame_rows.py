"""The changes between two environments as rows of a table, and lines about what an answer rests on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from harness.report.blame_words import located, some
from harness.report.blamed import Standing
from harness.search.culprits import Innocence
from harness.search.mixtures import Outcome
from harness.version import minor_of
from harness.words import counted

if TYPE_CHECKING:
    from harness.report.blamed import BlameResult, ChangeResult, EnvironmentResult
    from harness.report.model import Report

WAYS = {
    Innocence.REVERTED_IN_BAD: "a mixture without its change fails",
    Innocence.APPLIED_IN_GOOD: "a mixture with its change is good",
    Innocence.NEVER_LOADED: "neither environment loads it",
    Innocence.SAME_AT_BOUNDARY: "it is the same on both sides of the culprit's boundary",
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
        release = [located(one, several=True) for one in blame.inside if one.name == change.name and one.good]
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
                also = f" and {some(sorted(others))}" if others else ""
                without = f" and {some(sorted(along))}" if along else ""
                said.append(f"the good environment with it{also} fails")
                said += [f"the bad environment without it{without} is good"] if cured else []
    return said


def support(blame: BlameResult) -> str:
    """Return what the answer rests on and what it took, in one line."""
    executed = Counter(one.outcome for one in blame.steps if one.outcome != Outcome.UNRESOLVED)
    kinds = ", ".join(f"{count} {outcome.value}" for outcome, count in sorted(executed.items()))
    refused = f"; {counted(blame.refusals, 'mixture')} cannot be resolved" if blame.refusals else ""
    disk = (
        f"; {blame.disk / 1e6:.0f} MB of environments are left"
        if blame.disk
        else "; no new environment is left"
    )
    if not blame.steps:
        return ""
    return (
        f"{counted(len(blame.changes), 'package')} changed; {counted(blame.executions, 'execution')} ({kinds}){refused}; "
        f"{blame.seconds:.0f} s{disk}"
    )


def held(environment: EnvironmentResult) -> str:
    """Return how many packages an environment holds, in words."""
    return counted(environment.packages, "package") if environment.lock else "not rebuilt here"


def replaced(blame: BlameResult) -> list[str]:
    """Return a line for each package that could not be installed as its list has it."""
    return [line for side, one in (("good", blame.good), ("bad", blame.bad)) for line in _replaced(side, one)]


def _replaced(side: str, environment: EnvironmentResult) -> list[str]:
    lines = [
        f"{side}: {one['name']} {one['stand_in']} stands in for {one['version'] or 'what is listed'} ({one['reason']})"
        for one in environment.stood_in
    ]
    if environment.platform and environment.here and environment.platform != environment.here:
        lines.append(
            f"{side}: it was listed on {environment.platform}, and its packages were rebuilt for {environment.here}"
        )
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


def rebuilding(report: Report) -> list[str]:
    """Return commands that make both environments by hand, in the folder in which a run's folder lies."""
    blame = report.blame
    if blame is None:
        return []
    pythons = [str(report.host.get("python") or "")] * 2
    if blame.python is not None:
        python = blame.python
        pythons = [python.held] * 2 if python.role.searched else [python.good, python.bad]
    return [
        f"uv venv {f'--python {minor_of(python)} ' if python else ''}{side} && uv pip install --python {side} --no-deps "
        f"--require-hashes -r {report.run}/locks/{side}.txt"
        for side, one, python in zip(("good", "bad"), (blame.good, blame.bad), pythons, strict=True)
        if one.lock
    ]
