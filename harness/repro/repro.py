"""Makes one script of a located boundary of a stored run: it stands alone, is small, and was executed on both sides."""

from __future__ import annotations

import ast
import shlex
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.files import write_atomic
from harness.model.question import Axis, Job, Judging, Plan, Subject
from harness.probes.store import Store
from harness.report.repro import NAME, ReproResult
from harness.report.write import write_report
from harness.repro.block import Head, dependencies_of
from harness.repro.checks import check_of
from harness.repro.inline import plain as inlined
from harness.repro.proof import Proof, given
from harness.repro.reduce import Reduction
from harness.repro.sides import Sides
from harness.runs.bisect import begin
from harness.runs.descend import asked_at, choose, with_boundary
from harness.runs.locked import read_locks
from harness.runs.stored import load_report, stored_evidence
from harness.scenario.script import sources
from harness.sessions.asked import ask
from harness.version import minor_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.model.question import Place, Question
    from harness.report.model import BoundaryResult, ReleaseResult, Report
    from harness.repro.checks import Check
    from harness.sessions.asked import Asked
    from harness.sessions.driver import Watcher
    from harness.state import State

TRIALS = 150
"""Scripts that are executed to make one smaller, at most."""


@dataclass(frozen=True, slots=True)
class Located:
    """A boundary whose sides are told apart by their verdicts.

    Attributes:
        asked: The question of the run, about its arm alone.
        good, bad: The release of each side.
    """

    report: Report
    boundary: BoundaryResult
    asked: Asked
    good: ReleaseResult
    bad: ReleaseResult


def repro(
    folder: Path,
    to: Path,
    state: State,
    watcher: Watcher,
    *,
    boundary: str = "",
    arm: str = "",
    trials: int = TRIALS,
    place: Place,
) -> tuple[Report, ReproResult]:
    """Write `repro.py` of a boundary into a folder, execute it on both sides, and write the run's files anew with it.

    Args:
        folder: Of the run.
        to: Where the script goes.
        state: Where state lives.
        watcher: Is told how it goes on.
        boundary: `OLDER..NEWER` or the newer release alone; empty for the newest break in verdict.
        arm: Its name; empty for the gravest one.
        trials: Scripts that are executed to make it smaller, at most; 0 leaves it as it is.
        place: Where and how fast.

    Raises:
        UsageError: The run has no such boundary, or no script can stand alone for it.
        HarnessError: As the parts say.
    """
    found = locate(folder, state, boundary=boundary, arm=arm, place=place)
    evidence = stored_evidence(found.report, Store(state))
    missing = [row.version for row in (found.good, found.bad) if row.probe not in evidence]
    if missing:
        raise UsageError(f"the probe of {missing[0]} is not stored any more: ask the question again")
    good, bad = ((row, evidence[str(row.probe)]) for row in (found.good, found.bad))
    check = check_of(found.asked.scenario.oracle, good, bad)
    with tempfile.TemporaryDirectory(prefix="harness-repro-") as scratch:
        script = Path(scratch) / NAME
        write_atomic(script, _inline(found, check))
        asked = replace(
            ask(_question(found, script, check), state, place),
            first=found.boundary.before,
            last=found.boundary.after,
            locks=folder / "locks",
        )
        result = _reduced(asked, found, state, watcher, trials=trials, folder=folder, to=to)
    report = with_boundary(found.report, found.boundary, replace(found.boundary, repro=result))
    if result.holds:
        write_report(folder, report, evidence, drawings=state.drawings)
    return report, result


def locate(folder: Path, state: State, *, boundary: str, arm: str, place: Place) -> Located:
    """Return the boundary that is meant.

    Raises:
        UsageError: There is none, or its sides do not differ in verdict, or no single script can show it.
    """
    report = load_report(folder)
    if report.blame is not None or report.axes:
        parts = sorted(path.parent.name for path in (folder / "runs").glob("*/report.json"))
        raise UsageError(
            f"{folder.name} is about more than the releases of one package; name one of the runs it rests on: "
            f"{', '.join(str(folder / 'runs' / name) for name in parts) or 'it has none'}"
        )
    chosen, found = choose(report, boundary, arm)
    rows = {one.verdict: one for one in chosen.releases if one.version in (found.before, found.after)}
    if rows.keys() != {"good", "bad"}:
        raise UsageError(f"{found.before}..{found.after}: one side must be good and the other one bad")
    asked = asked_at(folder, report, chosen, found, state=state, place=place)
    script = asked.scenario.job
    if script is None or script.suffix != ".py":
        raise UsageError(
            f"the job is {shlex.join(asked.scenario.command)}: only a script of Python's can stand alone"
        )
    if asked.scenario.most_ranks > 1:
        raise UsageError(
            f"the job is started as {asked.scenario.most_ranks} ranks: no single script shows what they do to each other; "
            "`harness probe` executes each side"
        )
    besides = [path.name for path in sources(script) if path != script]
    if besides:
        raise UsageError(
            f"{script.name} imports {', '.join(besides)} from beside it: put it into the script first"
        )
    return Located(report, found, asked, rows["good"], rows["bad"])


def _inline(found: Located, check: Check) -> str:
    """Return the job's text as a script without a recorder."""
    scenario = found.asked.scenario
    assert scenario.job is not None  # noqa: S101 - `locate` looked
    device = str(found.report.host.get("device") or "cpu")
    handed = {"seed": scenario.seed, "device": device, "threads": scenario.threads}
    values = {**dict(found.asked.arms[0].parameters), **handed}
    words = list(scenario.command[2:])
    if not scenario.command:
        words = [word for name, value in values.items() for word in (f"--{name}", str(value))]
    return inlined(scenario.job.read_text(encoding="utf-8"), values, check, words=words)


def _reduced(
    asked: Asked, found: Located, state: State, watcher: Watcher, *, trials: int, folder: Path, to: Path
) -> ReproResult:
    """Execute the plain script on both sides, make it smaller unless it is a command's own, and execute it by uv alone.

    Raises:
        NotShownError: It does not show the boundary.
    """
    script = asked.scenario.job
    assert script is not None  # noqa: S101 - the question is about a script
    text = script.read_text(encoding="utf-8")
    trials = 0 if found.asked.scenario.ad_hoc else trials
    known = read_locks(folder, [found.good.version, found.bad.version])
    locks = [lock.versions() for lock in known.values()]
    with begin(asked, state, watcher) as (session, _):
        positions = {release.version: place for place, release in enumerate(session.releases)}
        sides = Sides(session, positions[found.good.version], positions[found.bad.version], script.parent)
        sides.begin(text)
        reduction = Reduction(sides.holds, text, trials, watcher.note)
        reduction.run()
        watcher.note(f"{NAME}: both sides are executed by `uv run` alone")
        proof = Proof(sides, to, partial(_head, found, locks))
        if not proof.holds(reduction.text) and reduction.text != text and proof.holds(text):
            # A probe holds more alike than its environment, as the number of threads.
            watcher.note(
                "the smaller script does not show it outside of a probe: every step is executed there"
            )
            reduction = Reduction(
                lambda one: sides.holds(one) and proof.holds(one),
                text,
                trials + reduction.tried,
                watcher.note,
                reduction.tried,
            )
            reduction.run()
        if needed := given(session):
            watcher.note(
                f"typed on this machine, the commands need what uv was given here: {shlex.join(needed)}"
            )
    whole, good, bad = proof.found[reduction.text]
    write_atomic(to / NAME, whole)
    return ReproResult(whole, good, bad, reduction.path, reduction.tried)


def _question(found: Located, script: Path, check: Check) -> Question:
    """Return the question that asks about a plain script what the run asked about its job."""
    asked, scenario = found.asked, found.asked.scenario
    own: dict[str, Any] = dict(scenario.oracle)
    judging = Judging(
        error_matches=check.error_matches or own.get("error_matches"), import_errors=own.get("import_errors")
    )
    extras = f"[{','.join(asked.extras)}]" if asked.extras else ""
    return replace(
        asked.question,
        subject=Subject(command=("python", str(script), *scenario.command[2:])),
        axes=(
            Axis(package=f"{asked.package}{extras}", first=found.boundary.before, last=found.boundary.after),
        ),
        holds=replace(
            asked.question.holds,
            pins=tuple(scenario.pins),
            python=scenario.python,
            timeout=scenario.timeout,
            online=scenario.online,
            variables=tuple(f"{name}={value}" for name, value in scenario.variables.items()),
        ),
        job=Job(),
        judging=judging,
        plan=Plan(cause=False),
    )


def _head(found: Located, locks: Sequence[Mapping[str, str]], text: str, all_pinned: bool) -> Head:
    """Return what stands on top of a script: it is described by its scenario, or by its own first paragraph."""
    asked = found.asked
    own = (ast.get_docstring(ast.parse(text)) or "").partition("\n\n")[0]
    about = (own if asked.scenario.ad_hoc else asked.scenario.description).strip()
    about = f"{about.rstrip('.')}. " if about else ""
    package = asked.package + (f"[{','.join(asked.extras)}]" if asked.extras else "")
    return Head(
        dependencies=dependencies_of(text, asked.scenario.pins, locks, asked.package, all_pinned=all_pinned),
        python=minor_of(str(found.report.host.get("python"))),
        said=f"{about}It works with {asked.package} {found.good.version}, and fails with {found.bad.version}.",
        commands={
            row.version: [
                *("uv", "run", "--with", f"{package}=={row.version}", NAME),
                *asked.scenario.command[2:],
            ]
            for row in (found.good, found.bad)
        },
    )
