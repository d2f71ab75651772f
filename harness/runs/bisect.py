"""The main job: one question asked and answered.

`bisect` walks the way of the data in plain steps: releases are listed and locked, probes executed, boundaries
confirmed, findings gathered into a report, and the report written as a whole.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.cause.attribute import Attribution, Remedies, attribute
from harness.cause.dependencies import open_boundaries
from harness.environments.evict import evict
from harness.errors import MachineError
from harness.files import check_writable, take_name
from harness.history.record import Recorded
from harness.model.codec import to_plain
from harness.report.causes import CauseSearch
from harness.report.model import ArmResult, Report
from harness.report.sentences import worded
from harness.runs.beside import with_devices
from harness.runs.confirm import confirm
from harness.runs.facts import environment, host, of_question
from harness.runs.gather import arm_result
from harness.runs.hints import nothing_resolvable, prereleases_left_out, with_prereleases_told, yanked_among
from harness.runs.locked import with_moves, with_raised
from harness.runs.phases import Phases
from harness.runs.policies import Beside, beside_fixed
from harness.runs.write import write
from harness.sessions.driver import Driver, Watcher, distrust_environments
from harness.sessions.investigation import Investigation
from harness.sessions.prepare import prepare
from harness.verdicts.oracles import profiled
from harness.verdicts.verdict import Verdict
from harness.words import counted, from_to

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.cause.dependencies import Place
    from harness.report.opened import DependencyAnswer
    from harness.sessions.asked import Asked
    from harness.sessions.session import Session
    from harness.state import State


@dataclass(frozen=True, slots=True)
class Run:
    """A finished or interrupted run.

    Attributes:
        report: What was found.
        folder: Where it is written.
        interrupted: It was ended before all was executed; what is missing is `untested`.
        seconds: {what it did: how long that took}.
    """

    report: Report
    folder: Path
    interrupted: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)


def bisect(asked: Asked, state: State, watcher: Watcher, started: datetime | None = None) -> Run:
    """Answer a question and write its report, every finding into the history too.

    Args:
        asked: Checked already.
        state: Where state lives.
        watcher: Is told how it goes on.
        started: What the report is dated and named by; None for now.

    Raises:
        HarnessError: As the parts say; nothing that was executed before is lost.
    """
    arms = [arm.name for arm in asked.arms]
    recorded = Recorded(watcher, state, scenario=asked.line(), package=asked.package, arms=arms)
    try:
        return _bisect(asked, state, recorded, started or datetime.now(UTC))
    finally:
        recorded.close()


def _bisect(asked: Asked, state: State, watcher: Watcher, started: datetime) -> Run:
    phases = Phases()
    found = _Found()
    with begin(asked, state, watcher, phases) as (session, warnings):
        investigation = Investigation(Driver(session, watcher))
        try:
            _investigate(investigation, found, warnings, phases)
        except KeyboardInterrupt:
            found.interrupted = True
            warnings.append(
                "interrupted: what is missing is untested; the same command goes on where this one stopped"
            )
    phases.ended("causes" if "probes" in phases.seconds else "probes")
    if said := nothing_resolvable(session):
        watcher.note(f"warning: {said}")
        warnings.append(said)
    if said := _built(session):
        watcher.note(said)
        warnings.append(said)
    warnings += session.notes
    report = gather(investigation, started, warnings, found.attribution, found.opened)
    report = replace(report, policies=found.beside.results)
    folder = write(report, investigation.driver, asked.out, found.beside)
    if session.environments.made:
        evict(state.environments, cap=asked.environment_cap, keep=_in_use(session))
    phases.ended("report")
    check_starved(investigation.driver, folder)
    return Run(report, folder, found.interrupted, phases.seconds)


@dataclass(slots=True)
class _Found:
    """What an investigation leaves behind, as far as it came."""

    attribution: Attribution = field(default_factory=Attribution)
    opened: dict[Place, DependencyAnswer] = field(default_factory=dict)
    beside: Beside = field(default_factory=Beside)
    interrupted: bool = False


def _investigate(investigation: Investigation, found: _Found, warnings: list[str], phases: Phases) -> None:
    """Search, open boundaries, confirm, explain.

    Raises:
        KeyboardInterrupt: With all that was found before taken in.
    """
    driver, asked = investigation.driver, investigation.driver.session.asked
    environments = driver.session.environments
    installed = sum(environments.base_seconds)
    investigation.run()
    phases.ended("probes", besides=("shared packages", sum(environments.base_seconds) - installed))
    open_boundaries(investigation, found.opened)
    if found.opened:
        phases.ended("dependencies")
    beside_fixed(investigation, found.beside)
    if found.beside.results:
        phases.ended("shared packages as well")
    if asked.question.plan.confirm_on:
        warnings += confirm(investigation)
        phases.ended(f"confirmation on {asked.question.plan.confirm_on}")
    causes = _cause_search(driver) == CauseSearch.SOUGHT
    remedies = _remedies(driver)
    attribute(investigation, found.attribution, causes=causes, remedies=remedies)
    while distrust_environments(driver):  # what was executed last came after a job's change
        investigation.run()
        found.attribution = Attribution()
        attribute(investigation, found.attribution, causes=causes, remedies=remedies)


def check_starved(driver: Driver, folder: Path) -> None:
    """Complain if nothing has a verdict and the machine is a reason for it.

    Raises:
        MachineError: So it is; the report is written all the same.
    """
    found = [
        one
        for findings in driver.findings.values()
        for repeats in findings.values()
        for one in repeats.values()
    ]
    starved = [one for one in found if one.result and one.result.execution.starved(one.trace)]
    if starved and all(one.verdict == Verdict.SKIP for one in found):
        raise MachineError(
            f"no release has a verdict, and this machine is a reason: {starved[0].judgement.reason}; free disk space "
            f"or memory, and run the same command again; the report is in {folder}"
        )


@contextmanager
def begin(
    asked: Asked, state: State, watcher: Watcher, phases: Phases | None = None
) -> Iterator[tuple[Session, list[str]]]:
    """List the releases of a question; yield what executes them, and what its reader must know.

    Raises:
        HarnessError: As the parts say.
    """
    phases = phases or Phases()
    check_writable(asked.out)  # before hours of work, not after them
    listing = asked.source.listing(asked.package, state)
    warnings = [listing.warning] if listing.warning else []
    warnings += asked.scenario.notes
    for warning in warnings:
        watcher.note(f"warning: {warning}")
    releases = asked.select(listing.releases)
    if said := yanked_among(releases, asked.package):
        watcher.note(f"warning: {said}")
        warnings.append(said)
    watcher.note(
        f"{counted(len(releases), 'release')} of {asked.package}: {from_to(releases[0].version, releases[-1].version)}"
    )
    phases.ended("listing")
    unasked = prereleases_left_out(asked, listing.releases)
    with prepare(asked, releases, state, watcher.note, unasked=False) as session:
        phases.ended("first locks", besides=("shared packages", sum(session.environments.base_seconds)))
        if session.alone:
            said = (
                "the oracle judges what the machine does: one probe at a time, each in a process of its own"
            )
            watcher.note(said)
            warnings.append(said)
        yield replace(session, left_out=unasked), warnings


def _built(session: Session) -> str:
    """Return which locked releases have no wheel, so that their own code builds one; empty if all have."""
    locked = [session.releases[position] for position in session.locked()]
    built = [release.version for release in locked if release.source_only]
    return f"built from source, for the index has no wheel: {', '.join(built)}" if built else ""


def gather(
    investigation: Investigation,
    started: datetime,
    warnings: list[str],
    attribution: Attribution,
    opened: Mapping[Place, DependencyAnswer] | None = None,
) -> Report:
    """Put everything that was found into one report."""
    driver, answers = investigation.driver, investigation.answers()
    session = driver.session
    asked = session.asked
    arms: list[ArmResult] = []
    for arm in asked.arms:
        found = investigation.arranged(arm.name, answers[arm.name])
        commands = [asked.probe_command(release.version, arm.name) for release in session.releases]
        arms.append(
            arm_result(
                arm,
                session.releases,
                found,
                answers[arm.name],
                package=asked.package,
                commands=commands,
                searched=investigation.searched_in(arm.name).to_dict(),
                calibration=session.calibrations.get(arm.name),
                dependence=investigation.hash_seeds.get(arm.name),
                direct=investigation.direct.get(arm.name),
            )
        )
    report = Report(
        run=take_name(asked.out, f"{started:%Y%m%dT%H%M%SZ}-{asked.scenario.name}"),
        package=asked.package,
        started=started.isoformat(timespec="seconds"),
        command=asked.command(),
        host=host(driver),
        environment=environment(session),
        arms=with_prereleases_told(arms, session.left_out),
        warnings=warnings,
        **of_question(asked.scenario, asked.question),
        whole=to_plain(asked.whole) if asked.whole else {},
        cause=attribution.causes,
        cause_search=_cause_search(driver).value,
        interventions=attribution.matrices,
        remedies_left=attribution.remedies_left,
        survival=attribution.curves,
    )
    locks = {session.releases[position].version: lock for position, lock in session.locked().items()}
    report = with_raised(with_moves(report, locks, opened), locks)
    return worded(with_devices(report, session.store, asked.scenario.oracle))


def _remedies(driver: Driver) -> Remedies:
    """Return on which releases remedies are to be tried; comparing time or memory takes long, and is asked for."""
    plan = driver.session.asked.question.plan
    if plan.remedies:
        return Remedies.ALL
    return Remedies.CHEAP if plan.quick_remedies and not driver.session.alone else Remedies.NONE


def _cause_search(driver: Driver) -> CauseSearch:
    """Tell whether causes are to be sought: a job without a census has no property that could be exchanged."""
    session = driver.session
    if not session.asked.question.plan.cause:
        return CauseSearch.NOT_ASKED
    if profiled(session.asked.scenario.oracle):
        return CauseSearch.SOUGHT if session.asked.scenario.job is not None else CauseSearch.NO_SCRIPT
    findings = [
        one for found in driver.findings.values() for again in found.values() for one in again.values()
    ]
    recorded = any(finding.trace.census for finding in findings)
    return CauseSearch.SOUGHT if recorded else CauseSearch.NO_CENSUS


def _in_use(session: Session) -> list[Path]:
    folder = session.environments.state.environments
    return [folder / lock.digest[:20] for lock in session.locked().values()]
