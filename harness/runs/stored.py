"""A stored run, drawn or judged again from its report.json and the stored traces: nothing is executed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.cause.dependencies import judged_again
from harness.errors import UsageError
from harness.model.codec import from_plain
from harness.model.commands import shell
from harness.model.whole import Whole, release_command
from harness.probes.store import Store
from harness.releases.release import Release
from harness.report.evidence import ProbeEvidence
from harness.report.model import ArmResult, ReleaseResult, Report, read_stored
from harness.report.pair_json import from_pair_json
from harness.report.sentences import worded
from harness.report.write import write_report
from harness.runs.beside import with_devices
from harness.runs.gather import arm_result, release_result
from harness.runs.kept import present, question_of
from harness.runs.locked import read_locks, sides, with_moves, with_raised
from harness.scenario import Arm, load_scenario
from harness.sessions.arm_map import Findings, arrange, representative
from harness.sessions.control import judge_beside_control
from harness.sessions.finding import Finding, InterleavedPair
from harness.sessions.interleaved import Direct, read_pairs
from harness.sessions.searched import Searched, replay
from harness.verdicts.calibration import Calibration, ReferenceRun
from harness.verdicts.comparing import judge_interleaved_with, judge_sides
from harness.verdicts.oracles import compares, interleaves
from harness.verdicts.same_as import KIND
from harness.verdicts.verdict import Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.probes.store import Result
    from harness.report.model import BoundaryResult
    from harness.report.opened import MixtureResult
    from harness.report.policies import PolicyResult
    from harness.state import State


OLD_PAIR = "pair.json"
"""What older harnesses wrote of two packages."""


def load_report(folder: Path) -> Report:
    """Read a run's report.json, or the pair.json that older harnesses wrote of two packages.

    Raises:
        UsageError: It cannot be read, or another schema wrote it.
    """
    if not (folder / "report.json").is_file() and (folder / OLD_PAIR).is_file():
        return read_stored(folder / OLD_PAIR, from_pair_json)
    return read_stored(folder / "report.json", Report.from_dict)


def redraw_run(folder: Path, state: State) -> Report:
    """Write the files of a run about one package anew, its answers worded as they are now, and return its report."""
    report = with_commands(load_report(folder), folder)
    locks = read_locks(folder, sides(report))
    report = with_raised(with_moves(report, locks), locks)
    report = worded(_beside(report, Store(state)))
    write_report(folder, report, stored_evidence(report, Store(state)), drawings=state.drawings)
    return report


ORACLES = ("auto", "run", "present")
"""Which oracle judges a stored run: its own, or the one that its scenario has now; `auto` takes the present one where
the scenario still has the job that the run executed."""


def choose_oracle(report: Report, wanted: str) -> tuple[Mapping[str, Any], str]:
    """Return the settings of the oracle that judges a stored run, and what a reader must know of it.

    Raises:
        UsageError: The scenario's present oracle is wanted, or is the only one, and cannot be had.
    """
    if not report.question:  # schema 1 names a scenario and keeps nothing of it
        return report.oracle or load_scenario(report.scenario).oracle, ""
    now = present(report)
    if wanted == "present":
        if now.scenario is None:
            raise UsageError(f"--oracle present: {now.why}; --oracle run judges by the run's own")
        return now.scenario.oracle, now.why
    if wanted == "run" or now.scenario is None:
        return report.oracle, "" if wanted == "run" else f"{now.why}: judged by the run's own oracle"
    if not now.same_job:
        return (
            report.oracle,
            f"{now.why}: judged by the run's own oracle; --oracle present takes the other one",
        )
    changed = dict(now.scenario.oracle) != dict(report.oracle)
    return now.scenario.oracle, "judged by the scenario's present oracle, not by the run's" if changed else ""


def judge_run(old: Report, folder: Path, state: State, oracle: Mapping[str, Any]) -> Report:
    """Judge the stored traces of a run about one package again, write its files anew, and return its report.

    Raises:
        UsageError: One of the run's probes is not stored any more.
    """
    store = Store(state)
    calibrations = {arm.name: stored_calibration(arm, store, oracle) for arm in old.arms}
    arms = [_judge_arm(old.package, arm, calibrations[arm.name], store, oracle) for arm in old.arms]
    places = {(arm.name, one.before, one.after) for arm in arms for one in arm.boundaries}
    causes = [one for one in old.cause if (one.arm, one.before, one.after) in places]
    policies = [
        _policy_again(one, old, arms, calibration=calibrations[one.arm], store=store, oracle=oracle)
        for one in old.policies
    ]
    new = replace(old, arms=arms, cause=causes, policies=policies, oracle=dict(oracle))
    new = with_commands(new, folder)
    locks = read_locks(folder, sides(new))
    new = worded(with_devices(with_raised(with_moves(new, locks), locks), store, oracle))
    write_report(folder, new, stored_evidence(new, store), drawings=state.drawings)
    return new


def _policy_again(
    one: PolicyResult,
    old: Report,
    arms: Sequence[ArmResult],
    *,
    calibration: Calibration | None,
    store: Store,
    oracle: Mapping[str, Any],
) -> PolicyResult:
    """Return what a release does under both policies, judged again."""
    before, now = (next(arm for arm in each if arm.name == one.arm) for each in (old.arms, arms))
    row = next(row for row in now.releases if row.version == one.version)
    found = stored_findings(
        before,
        one.executions,
        version=one.version,
        lock=one.lock or "",
        calibration=calibration,
        store=store,
        oracle=oracle,
    )
    again = replace(one, as_of=row.verdict, reason=row.reason)
    for other in found.values():
        again = replace(again, fixed=other.verdict.value, fixed_reason=other.judgement.reason)
    return again


def with_commands(report: Report, folder: Path) -> Report:
    """Return the report with commands that ask about the files that the run keeps, if its job is gone or changed."""
    question = question_of(report, folder)
    if question is None:
        return report
    if report.blame is not None:  # no command executes one environment of two
        return replace(report, command=shell(question.to_argv("blame")))
    whole = from_plain(Whole, report.whole) if report.whole else None
    if whole:
        whole = replace(whole, question=replace(whole.question, subject=question.subject))
    asked = whole.command() if whole else shell(question.to_argv())
    if report.axes and asked == report.command:  # an older harness printed its pairs in another way
        return report

    def command(row: ReleaseResult, arm: str) -> str:
        if row.point:
            pair = Whole(question, row.point.held, row.point.held_version)
            return pair.probe_command(row.point.package, row.point.version, arm)
        if whole:
            return whole.probe_command(report.package, row.version, arm)
        return release_command(question, row.version, arm)

    arms = [
        replace(arm, releases=[replace(row, command=command(row, arm.name)) for row in arm.releases])
        for arm in report.arms
    ]
    return replace(report, command=asked, arms=arms)


def _beside(report: Report, store: Store) -> Report:
    """Return the report with what other devices say by now; as it is if its scenario cannot be asked any more."""
    try:
        oracle, _ = choose_oracle(report, "run")
    except UsageError:
        return report
    return with_devices(report, store, oracle)


def stored_evidence(report: Report, store: Store) -> dict[str, ProbeEvidence]:
    """Return {digest of a probe: trace and output} for those that are still stored."""
    found = {}
    for arm in report.arms:
        for row in arm.releases:
            for execution in row.executions:
                result = store.find(execution["probe"], 0)
                if result is not None and execution["repeat"] == 0:
                    found[result.probe] = ProbeEvidence(*result.read())
    return found | remedy_evidence(report, store)


def remedy_evidence(report: Report, store: Store) -> dict[str, ProbeEvidence]:
    """Return {digest of a probe: its trace} of the remedies whose probes are still stored."""
    cells = [cell for matrix in report.interventions for one in matrix.remedies for cell in one.cells]
    results = [store.find(cell.probe) for cell in cells if cell.probe]
    return {result.probe: ProbeEvidence(result.trace()) for result in results if result is not None}


def _judge_arm(
    package: str, arm: ArmResult, calibration: Calibration | None, store: Store, oracle: Mapping[str, Any]
) -> ArmResult:
    executed = partial(stored_findings, arm, calibration=calibration, store=store, oracle=oracle)
    findings: Findings = {}
    for position, row in enumerate(arm.releases):
        findings[position] = executed(row.executions, version=row.version, lock=row.lock or "")
        if not findings[position] and row.verdict != Verdict.UNTESTED:
            findings[position] = {0: _as_it_was(row)}
    prefixes = {position: row.prefix for position, row in enumerate(arm.releases) if row.prefix is not None}
    releases = [Release(row.version, row.uploaded, yanked=row.yanked) for row in arm.releases]
    search = replay(Searched(**arm.search), [release.version for release in releases], findings)
    answer = search.answer()
    new = arm_result(
        Arm(arm.name, arm.parameters),
        releases,
        arrange(len(releases), findings, answer.judged, prefixes),
        answer,
        package=package,
        commands=[row.command for row in arm.releases],
        searched=arm.search,
        calibration=calibration,
        direct=_direct(arm, store, calibration, oracle),
    )

    def mixture(trial: MixtureResult) -> list[Finding]:
        return list(executed(trial.executions, version=trial.release, lock=trial.lock or "").values())

    return replace(new, boundaries=_opened(arm, new, findings, mixture))


def judged_row(arm: ArmResult, row: ReleaseResult, store: Store, oracle: Mapping[str, Any]) -> ReleaseResult:
    """Return one row of an arm, judged again by itself; as it is if nothing was executed.

    Raises:
        UsageError: One of its probes is not stored any more.
    """
    calibration = stored_calibration(arm, store, oracle)
    found = stored_findings(
        arm,
        row.executions,
        version=row.version,
        lock=row.lock or "",
        calibration=calibration,
        store=store,
        oracle=oracle,
    )
    if not found:
        return row
    first, repeats = representative(found)
    release = Release(row.version, row.uploaded, yanked=row.yanked)
    judged = release_result(release, first, repeats, row.command, "")
    # Where an error was raised is a fact of the execution, whoever judges it.
    return replace(judged, raised_version=row.raised_version, raised_at=row.raised_at)


def _opened(
    old: ArmResult, new: ArmResult, findings: Findings, mixture: Callable[[MixtureResult], list[Finding]]
) -> list[BoundaryResult]:
    """Return the boundaries with what mixtures of both sides' locks show, where they were executed."""
    places = {row.version: position for position, row in enumerate(old.releases)}
    known = {(one.signal, one.kind, one.before, one.after): one for one in old.boundaries}
    boundaries = []
    for one in new.boundaries:
        before = known.get((one.signal, one.kind, one.before, one.after))
        sides = [list(findings[places[side]].values()) for side in (one.before, one.after)]
        again = judged_again(before, mixture, sides[0], sides[1]) if before else None
        boundaries.append(replace(one, dependencies=again))
    return boundaries


def stored_findings(
    arm: ArmResult,
    executions: Sequence[Mapping[str, Any]],
    *,
    version: str,
    lock: str,
    calibration: Calibration | None,
    store: Store,
    oracle: Mapping[str, Any],
) -> dict[int, Finding]:
    """Return {repeat: finding} of stored executions, judged.

    Args:
        arm: Which they belong to.
        executions: As in `ReleaseResult`.
        version: Of the release.
        lock: Its digest.
        calibration: What they are compared with.
        store: Has them.
        oracle: Its settings judge.

    Raises:
        UsageError: One of them is not stored any more.
    """
    by_repeat: dict[int, list[Finding]] = {}
    for execution in executions:
        result = _stored(store, execution["probe"], execution["repeat"], version)
        finding = Finding.judged(result, oracle, lock)
        finding = replace(finding, pairs=_pairs(store, execution, version))
        finding = _judged_beside_control(store, execution, version, finding, oracle)
        if calibration is not None and interleaves(oracle, calibration) and not execution["seed"]:
            finding = _judged_interleaved(arm, version, finding, calibration, oracle)
        by_repeat.setdefault(execution["repeat"], []).append(finding)
    return {repeat: Finding.of_seeds(seeds, oracle, calibration) for repeat, seeds in by_repeat.items()}


def _pairs(store: Store, execution: Mapping[str, Any], version: str) -> tuple[InterleavedPair, ...]:
    return tuple(
        InterleavedPair(
            *(_stored(store, one[side], one["repeat"], version) for side in ("reference", "release"))
        )
        for one in execution.get("turns", ())
    )


def _judged_beside_control(
    store: Store, execution: Mapping[str, Any], version: str, finding: Finding, oracle: Mapping[str, Any]
) -> Finding:
    """Return a finding judged again beside the control arm's executions, where it was judged so."""
    kept = [_stored(store, one["probe"], one["repeat"], version) for one in execution.get("beside", ())]
    if not kept or finding.verdict != Verdict.GOOD or oracle["kind"] != KIND:
        return finding
    return replace(finding, judgement=judge_beside_control(finding, kept, oracle), beside=tuple(kept))


def _judged_interleaved(
    arm: ArmResult, version: str, finding: Finding, calibration: Calibration, oracle: Mapping[str, Any]
) -> Finding:
    if finding.verdict != Verdict.GOOD or (version == calibration.reference and not finding.pairs):
        return finding
    if not finding.pairs:
        raise UsageError(
            f"arm {arm.name} has no interleaved executions, which the scenario's oracle needs: run the question anew"
        )
    return replace(finding, judgement=judge_interleaved_with(calibration, read_pairs(finding.pairs), oracle))


def _direct(
    arm: ArmResult, store: Store, calibration: Calibration | None, oracle: Mapping[str, Any]
) -> dict[tuple[int, int], Direct]:
    """Return how the sides of boundaries compare directly, judged again."""
    versions = [row.version for row in arm.releases]
    asked = [one for one in arm.boundaries if one.signal == "verdict" and one.direct]
    found: dict[tuple[int, int], Direct] = {}
    if calibration is None or not interleaves(oracle, calibration):
        return found
    for one in asked:
        pairs = _pairs(store, one.direct, f"{one.before} or {one.after}")
        judged = judge_sides(calibration, one.before, read_pairs(pairs), oracle, len(asked))
        found[versions.index(one.before), versions.index(one.after)] = Direct(judged, pairs)
    return found


def stored_calibration(arm: ArmResult, store: Store, oracle: Mapping[str, Any]) -> Calibration | None:
    """Return what an arm's releases are compared with; None if they are compared with nothing.

    Raises:
        UsageError: It is not stored any more, or the run had none.
    """
    if not compares(oracle):
        return None
    kept = arm.calibration
    if not kept and _nothing_good(arm):
        return None
    if not kept:
        raise UsageError(
            f"arm {arm.name} has no A/A runs, which the scenario's oracle needs: run the question anew"
        )
    probes = kept["probes"]
    repeats, seeds = kept.get("repeats") or [0] * len(probes), kept.get("seeds") or range(len(probes))
    runs = [
        ReferenceRun(_stored(store, probe, repeat, kept["reference"]).trace(), probe, repeat, seed)
        for probe, repeat, seed in zip(probes, repeats, seeds, strict=True)
    ]
    return Calibration(kept["reference"], runs, kept["comparisons"], kept.get("passed_over", {}))


def _nothing_good(arm: ArmResult) -> bool:
    """Tell whether no release was good by itself, so that there was no reference."""
    return bool(arm.releases) and not any(row.verdict in {"good", "untested"} for row in arm.releases)


def _stored(store: Store, probe: str, repeat: int, version: str) -> Result:
    result = store.find(probe, repeat)
    if result is None:
        raise UsageError(
            f"probe {probe[:12]} of {version} is not stored any more, so it cannot be judged again: "
            "run the question anew"
        )
    return result


def _as_it_was(row: ReleaseResult) -> Finding:
    """Return the finding of a release that was never executed: it could not be resolved or installed."""
    kind = SkipKind(row.skip_kind) if row.skip_kind else None
    return Finding(Judgement(Verdict(row.verdict), row.reason, skip_kind=kind), lock=row.lock)
