"""The main job: one question asked and answered.

`bisect` walks the way of the data in plain steps: releases are listed and locked, probes executed, boundaries
confirmed, findings gathered into a report, and the report written as a whole.
"""

from __future__ import annotations

import itertools
import platform
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import psutil
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.cause.attribute import Attribution, Remedies, attribute
from harness.cause.dependencies import open_boundaries
from harness.environments.evict import evict
from harness.errors import MachineError
from harness.files import whole_folder, write_atomic
from harness.history.record import Recorded
from harness.locks.lock import Lock
from harness.locks.mixture import met
from harness.locks.resolve import HELD
from harness.locks.stored import lock_texts
from harness.machine import processor
from harness.model.codec import to_plain
from harness.report.causes import CauseSearch
from harness.report.evidence import ProbeEvidence
from harness.report.model import ArmResult, Report
from harness.report.sentences import worded
from harness.report.write import write_report
from harness.runs.beside import with_devices
from harness.runs.confirm import confirm
from harness.runs.gather import arm_result
from harness.runs.hints import nothing_resolvable, prereleases_left_out, with_prereleases_told
from harness.runs.kept import keep_job
from harness.runs.locked import with_moves, with_raised
from harness.runs.phases import Phases
from harness.runs.policies import Beside, beside_fixed
from harness.runs.stored import remedy_evidence
from harness.sessions.arm_map import arrange
from harness.sessions.asked import probe_command
from harness.sessions.driver import Driver, Watcher, distrust_environments
from harness.sessions.investigation import Investigation
from harness.sessions.prepare import prepare
from harness.sessions.session import Session, moved_packages
from harness.verdicts.verdict import Verdict
from harness.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.cause.dependencies import Place
    from harness.model.question import Question
    from harness.report.opened import DependencyAnswer
    from harness.scenario import Scenario
    from harness.sessions.asked import Asked
    from harness.state import State

_LONGEST_SCRIPT = 20_000
"""Characters of a script that a report keeps."""


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
    # What the machine does is no cause that could be exchanged, and each trial would be a whole comparison.
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
    listing = asked.source.listing(asked.package, state)
    warnings = [listing.warning] if listing.warning else []
    for warning in warnings:
        watcher.note(f"warning: {warning}")
    releases = asked.select(listing.releases)
    watcher.note(
        f"{len(releases)} releases of {asked.package}: {releases[0].version} to {releases[-1].version}"
    )
    phases.ended("listing")
    unasked = prereleases_left_out(asked, listing.releases)
    with prepare(asked, releases, state, watcher.note) as session:
        phases.ended("first locks", besides=("shared packages", sum(session.environments.base_seconds)))
        if session.alone:
            said = (
                "the oracle judges what the machine does: one probe at a time, each in a process of its own"
            )
            watcher.note(said)
            warnings.append(said)
        yield replace(session, left_out=unasked), warnings


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
    searched = investigation.searched.to_dict()
    arms: list[ArmResult] = []
    for arm in asked.arms:
        found = arrange(len(session.releases), driver.findings[arm.name], answers[arm.name].judged)
        commands = [
            probe_command(asked.question, release.version, arm.name, asked.scenario.oracle)
            for release in session.releases
        ]
        arms.append(
            arm_result(
                arm,
                session.releases,
                found,
                answers[arm.name],
                package=asked.package,
                commands=commands,
                searched=searched,
                calibration=session.calibrations.get(arm.name),
                dependence=investigation.hash_seeds.get(arm.name),
                direct=investigation.direct.get(arm.name),
            )
        )
    report = Report(
        run=free_name(asked.out, f"{started:%Y%m%dT%H%M%SZ}-{asked.scenario.name}"),
        package=asked.package,
        started=started.isoformat(timespec="seconds"),
        command=asked.command(),
        host=host(driver),
        environment=environment(session),
        arms=with_prereleases_told(arms, session.left_out),
        warnings=warnings,
        **of_question(asked.scenario, asked.question),
        cause=attribution.causes,
        cause_search=_cause_search(driver).value,
        interventions=attribution.matrices,
        remedies_left=attribution.remedies_left,
        survival=attribution.curves,
    )
    locks = {
        session.releases[position].version: lock
        for position, lock in session.known_locks().items()
        if isinstance(lock, Lock)
    }
    report = with_raised(with_moves(report, locks, opened), locks)
    return worded(with_devices(report, session.store, asked.scenario.oracle))


def write(report: Report, driver: Driver, out: Path, beside: Beside | None = None) -> Path:
    """Write the report and the locks as one folder, and let `latest` point at it."""
    session = driver.session
    folder = out / report.run
    with whole_folder(folder) as new:
        write_locks(new / "locks", session)
        if beside is not None:
            beside.write(new / "locks")
        keep_job(session.asked.scenario).write(new)
        found = evidence(driver) | remedy_evidence(report, session.store)
        write_report(new, report, found, drawings=session.store.state.drawings)
    point_latest(out, folder)
    return folder


def write_locks(folder: Path, session: Session) -> None:
    """Write the reference and every lock that was asked for, or why there is none, as `--locks` reads them."""
    texts = lock_texts(session.reference, session.releases, session.known_locks())
    for name, text in texts.items():
        write_atomic(folder / name, text, durable=False)


def evidence(driver: Driver) -> dict[str, ProbeEvidence]:
    """Return {digest of a probe: its trace and output} of all first executions."""
    firsts = [
        one
        for findings in driver.findings.values()
        for repeats in findings.values()
        for one in (repeats[0].seeds() if 0 in repeats else ())
    ]
    return {one.result.probe: ProbeEvidence(one.trace, one.result.output()) for one in firsts if one.result}


def point_latest(out: Path, folder: Path) -> None:
    """Let `latest` point at the newest report; where links cannot be made it is a copy."""
    link, new = out / "latest", out / ".latest.tmp"
    new.unlink(missing_ok=True)
    try:
        new.symlink_to(folder.name)
        if link.is_dir() and not link.is_symlink():
            shutil.rmtree(link)
        new.replace(link)
    except OSError:
        shutil.copytree(folder, link, dirs_exist_ok=True)


def free_name(out: Path, name: str) -> str:
    """Return `name`, or with a number behind it if a run of the same second has it already."""
    taken = (f"{name}-{count}" if count > 1 else name for count in itertools.count(1))
    return next(candidate for candidate in taken if not (out / candidate).exists())


def of_question(scenario: Scenario, question: Question) -> dict[str, Any]:
    """Return the fields of a `Report` that follow from the question and its job alone."""
    return {
        "scenario": scenario.name,
        "description": scenario.description,
        "harness": __version__,
        "question": to_plain(question),
        "job": keep_job(scenario).facts(),
        "oracle": dict(scenario.oracle),
        "script": _script_text(scenario),
    }


def _script_text(scenario: Scenario) -> str:
    """Return the text of a command's script, as far as a report has room for it."""
    if not scenario.ad_hoc or scenario.job is None:
        return ""
    return scenario.job.read_text(encoding="utf-8", errors="replace")[:_LONGEST_SCRIPT]


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
    if session.alone:
        return CauseSearch.MACHINE
    findings = [
        one for found in driver.findings.values() for again in found.values() for one in again.values()
    ]
    recorded = any(finding.trace.census for finding in findings)
    return CauseSearch.SOUGHT if recorded else CauseSearch.NO_CENSUS


def host(driver: Driver) -> dict[str, str | None]:
    """Return where a run's probes were executed, see `Report`."""
    session = driver.session
    starts = [
        finding.trace.start
        for findings in driver.findings.values()
        for repeats in findings.values()
        for finding in repeats.values()
        if finding.trace.start
    ]
    first = starts[0] if starts else {}
    memory = psutil.virtual_memory().total / 2**30
    return {
        "python": session.interpreter.version,
        "torch": (first.get("packages") or {}).get("torch") or session.reference.versions().get("torch"),
        "device": session.device,
        "cpu": processor(),
        "gpu": first.get("device_name") if session.device == "cuda" else None,
        **_gpu(first.get("gpu") or {}),
        "memory": f"{memory:.0f} GiB",
        "system": platform.platform(),
        "uv": _installed("uv"),
        **session.executor.host(),
    }


def _gpu(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return what the trace tells of its GPU, as text; nothing of a CPU."""
    if not facts:
        return {}
    tf32 = [word for word in ("matmul", "cudnn") if facts.get(f"tf32_{word}")]
    told = {
        "compute capability": facts.get("capability"),
        "driver": facts.get("driver"),
        "cuda": facts.get("cuda"),
        "cudnn": facts.get("cudnn"),
        "tf32": "on for " + " and ".join(tf32) if tf32 else "off",
    }
    return {name: str(value) for name, value in told.items() if value is not None}


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def environment(session: Session) -> dict[str, object]:
    """Return what a report says of a run's environments, see `Report`."""
    asked = session.asked
    moves = moved_packages(session)
    locked = [lock for lock in session.known_locks().values() if isinstance(lock, Lock)]
    return {
        "policy": asked.question.holds.policy,
        "pins": session.resolver.requirements(),
        "packages": session.reference.versions(),
        "moves": moves,
        "torch": session.torch.choice,
        "fixed": held_alike(asked.scenario),
        "proof": _proof(session, locked, len(moves)),
    }


def _proof(session: Session, locked: Sequence[Lock], moved: int) -> str:
    """Return what makes the environments of a run comparable, or how they differ."""
    if session.asked.question.holds.policy == "as-of":
        held = sorted({name for lock in locked for name in HELD if name in lock.versions()})
        pins = [Requirement(pin) for pin in session.resolver.requirements()]
        dropped = sum(
            any(not met(pin, lock.versions().get(canonicalize_name(pin.name))) for pin in pins)
            for lock in locked
        )
        return (
            f"each of {len(locked)} releases is locked as the index stood at the end of the day of its upload, with Python "
            f"{session.interpreter.version}"
            + (f" and with {' and '.join(held)} as the index has them now" if held else "")
            + (f"; {dropped} without versions that the pins name and that were newer" if dropped else "")
        )
    proof = f"{len(locked) - moved} of {len(locked)} locks are equal, to the hash, but for {session.asked.package}"
    return proof + ("" if moved else ": nothing else moved")


def held_alike(scenario: Scenario) -> dict[str, object]:
    """Return what is the same in every execution, see `Report`."""
    return {
        "threads": scenario.threads,
        "online": scenario.online,
        "hash_seed": scenario.variables.get("PYTHONHASHSEED", "0"),
    }


def _in_use(session: Session) -> list[Path]:
    folder = session.environments.state.environments
    return [folder / lock.digest[:20] for lock in session.known_locks().values() if isinstance(lock, Lock)]
