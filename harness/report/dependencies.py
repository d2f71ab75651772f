"""The words for a boundary where dependencies change with the package under test: who did it, and what shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.report.opened import Likeness, Outcome
from harness.report.text import one_line
from harness.search.exchange import decide

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.report.model import BoundaryResult
    from harness.report.opened import CulpritResult, DependencyAnswer, MixtureResult, Tie

_MOST_NAMED = 4
"""Dependencies named; where there are more, the rest is counted."""
_LONGEST = 200
"""Characters of a reason within a sentence."""


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One mixture in a table: what is installed, whether uv allows it, and what it did."""

    mixture: str
    allowed: str
    verdict: str
    executions: int
    did: str
    reason: str


def of_one_package(boundary: BoundaryResult, package: str) -> tuple[BoundaryResult, str]:
    """Return a boundary with releases of one package as its sides, and that package.

    In a question about two packages it is the one that varies; else nothing changes.
    """
    axis = boundary.axis
    if axis is None:
        return boundary, package
    return replace(boundary, before=axis.before, after=axis.after, axis=None), axis.package


def others(boundary: BoundaryResult, package: str) -> Sequence[Mapping[str, str | None]]:
    """Return what changes at a boundary besides the package under test."""
    if boundary.dependencies is not None:
        return boundary.dependencies.changes
    return [move for move in boundary.moves if move["name"] != package]


def subject(boundary: BoundaryResult, package: str) -> str:
    """Return who did it, in place of `toy 1.4`; empty if it is just that release of the package under test."""
    answer, changes = boundary.dependencies, others(boundary, package)
    if not changes:
        return ""
    release = package if boundary.skipped else f"{package} {boundary.after}"  # a skipped one may have done it
    if answer is None or answer.outcome == Outcome.UNDECIDED:
        return f"{release}, {_few(changes, 'or')}, or several of them"
    if answer.outcome == Outcome.PACKAGE:
        return ""
    named = _culprits(answer, fixed=boundary.kind == "fixed")
    tie = _tie(boundary, answer, package)
    along = [change for change in changes if change["name"] in answer.along]
    notes = [*([str(tie)] if tie else []), *([f"not kept apart from {_few(along, 'and')}"] if along else [])]
    named += f" ({'; '.join(notes)})" if notes else ""
    if answer.outcome == Outcome.DEPENDENCIES:
        return named
    # To break, each part may do; to repair, each part must then be gone: the two kinds mirror each other.
    alone = (answer.outcome == Outcome.EITHER) is (boundary.kind != "fixed")
    return f"{release} and {named}, each by itself," if alone else f"{release} together with {named}"


def reservation(boundary: BoundaryResult, package: str) -> str:
    """Return what the answer needs besides, from a semicolon on: why nobody can tell, or what it rests on; or nothing."""
    answer = boundary.dependencies
    if not others(boundary, package):
        return ""
    if answer is None:
        return "; which of these changes did it was not tested"
    if answer.outcome == Outcome.UNDECIDED:
        why = _undecided(boundary, answer, package)
        return f"; these changes cannot be told apart{f': {why}' if why else ''}"
    forced = [trial for trial in answer.trials if _tells(trial) and trial.forced]
    whole = {len(answer.changes)} if _without_force(boundary, answer) != answer.outcome else set()
    if any(culprit.forced for culprit in answer.culprits):
        whole = {len(trial.exchanged) for trial in forced}
    shown = [
        f"{_mixture(boundary, trial, package)} although {_ties(trial.ties)}"
        for trial in forced
        if len(trial.exchanged) in whole
    ]
    return f"; shown by installing {' and '.join(shown[:2])}" if shown else ""


def proof(boundary: BoundaryResult, package: str) -> str:
    """Return what the two mixtures did, in one sentence without its full stop; empty if none was tried."""
    boundary, package = of_one_package(boundary, package)
    answer = boundary.dependencies
    if answer is None:
        return ""
    tried = [answer.whole(release) for release in (boundary.before, boundary.after)]
    return "; ".join(_did(boundary, trial, package) for trial in tried if trial is not None)


def rows(boundary: BoundaryResult, package: str) -> list[TrialRow]:
    """Return the mixtures of a boundary as the rows of a table."""
    boundary, package = of_one_package(boundary, package)
    answer = boundary.dependencies
    if answer is None:
        return []
    return [
        TrialRow(
            mixture=_mixture(boundary, trial, package, every=True),
            allowed="no, installed anyway" if trial.forced else "no" if trial.refused else "yes",
            verdict=trial.verdict,
            executions=len(trial.executions),
            did=_likeness(boundary, trial, package),
            reason=trial.reason if trial.executions else _ties(trial.ties) or trial.refused,
        )
        for trial in answer.trials
    ]


def _culprits(answer: DependencyAnswer, *, fixed: bool) -> str:
    changes = {change["name"]: change for change in answer.changes}
    told = [_set([changes[name] for name in one.names], one, fixed=fixed) for one in answer.culprits]
    if len(told) == 1:
        return told[0]
    return f"{' and '.join(told)}{' together' if fixed else ', each by itself'}"


def _set(changes: Sequence[Mapping[str, str | None]], culprit: CulpritResult, *, fixed: bool) -> str:
    if len(changes) == 1:
        return _version(changes[0])
    if culprit.together:
        return f"{_few(changes, 'or')} (either)" if fixed else f"{_few(changes, 'and')} together"
    return f"{_few(changes, 'or')} (not told apart)"


def _few(changes: Sequence[Mapping[str, str | None]], word: str) -> str:
    """Return a few changes by the version that they lead to, the rest as a number."""
    named = [_version(change) for change in changes[:_MOST_NAMED]]
    more = len(changes) - len(named)
    named += [f"{more} more dependencies" if more > 1 else "one more dependency"] if more else []
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} {word} {named[-1]}"


def _version(change: Mapping[str, str | None], side: str = "after") -> str:
    if change["before"] == change["after"]:
        return f"{change['name']} {change['after']} (other files)"
    version = change[side]
    return f"{change['name']} {version}" if version else f"no {change['name']}"


def _tie(boundary: BoundaryResult, answer: DependencyAnswer, package: str) -> Tie | None:
    """Return the requirement that made a culprit change, that of the newer release before all others."""
    names = {name for culprit in answer.culprits for name in culprit.names}
    found = [tie for trial in answer.trials for tie in trial.ties if tie.name in names]
    return min(found, key=lambda tie: (tie.package, tie.version) != (package, boundary.after), default=None)


def _tells(trial: MixtureResult) -> bool:
    return trial.likeness in (Likeness.BEFORE, Likeness.AFTER)


def _without_force(boundary: BoundaryResult, answer: DependencyAnswer) -> Outcome:
    """Return what is known if what was installed against a requirement is left out."""
    fixed = boundary.kind == "fixed"
    good, bad = (boundary.after, boundary.before) if fixed else (boundary.before, boundary.after)
    as_bad = Likeness.BEFORE if fixed else Likeness.AFTER

    def fails(release: str) -> bool | None:
        trial = answer.whole(release)
        return None if trial is None or trial.forced or not _tells(trial) else trial.likeness == as_bad

    return decide(fails(good), fails(bad))


def _undecided(boundary: BoundaryResult, answer: DependencyAnswer, package: str) -> str:
    if answer.flaky:
        return "executions of one environment disagree"
    ties = list(dict.fromkeys(str(tie) for trial in answer.trials for tie in trial.ties))
    return " and ".join(ties[:_MOST_NAMED]) if ties else proof(boundary, package)


def _ties(ties: Iterable[Tie]) -> str:
    return " and ".join(list(dict.fromkeys(map(str, ties)))[:_MOST_NAMED])


def _mixture(boundary: BoundaryResult, trial: MixtureResult, package: str, *, every: bool = False) -> str:
    """Say what a mixture has: the release, and the versions of the dependencies that it takes from the other side."""
    answer = boundary.dependencies
    changes = answer.changes if answer else []
    other = "after" if trial.release == boundary.before else "before"
    named = [_version(change, other) for change in changes if change["name"] in trial.exchanged]
    if not every and len(named) > _MOST_NAMED:
        return f"{package} {trial.release} with {len(named)} dependencies as on the other side"
    return f"{package} {trial.release} with {' and '.join(named)}"


def _did(boundary: BoundaryResult, trial: MixtureResult, package: str) -> str:
    """Say what a mixture with all dependencies of the other side did."""
    mixture = _mixture(boundary, trial, package)
    against = f" (installed although {_ties(trial.ties)})" if trial.forced else ""
    if not trial.executions and not trial.forced:
        return f"{mixture} was not executed: {_ties(trial.ties) or one_line(trial.refused, _LONGEST).rstrip('.')}"
    return f"{mixture}{against} {_likeness(boundary, trial, package)}"


def _likeness(boundary: BoundaryResult, trial: MixtureResult, package: str) -> str:
    if not _tells(trial):
        return (
            "was not executed"
            if not trial.executions
            else f"is no evidence: {one_line(trial.reason, _LONGEST).rstrip('.')}"
        )
    version = boundary.before if trial.likeness == Likeness.BEFORE else boundary.after
    verdict = "is good as {} is" if trial.verdict == "good" else "fails as {} does"
    return verdict.format(f"{package} {version}")
