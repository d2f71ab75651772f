"""issue.md: a text to paste into an issue of the package under test; complete in itself, without links to files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.report.boundaries import gravest, package_of
from harness.report.causes import not_sought, of_the_break
from harness.report.classes import places
from harness.report.dependencies import proof
from harness.report.descended import brief, patch
from harness.report.evidence import trace_of
from harness.report.fixed import fixed
from harness.report.grid_tables import changes as grid_changes
from harness.report.grid_tables import searched
from harness.report.inferred import confirmation
from harness.report.lines import raised
from harness.report.markdown import code, md
from harness.report.remedies import sentences
from harness.report.repro import NAME
from harness.report.summary import descended_rows, device_table, environments, line_rows, mixture_table
from harness.report.tests import markdown
from harness.report.text import capital, clean, number, one_line
from harness.report.why import cause_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.report.classes import Place
    from harness.report.evidence import ProbeEvidence
    from harness.report.model import ArmResult, BoundaryResult, ReleaseResult, Report
    from harness.report.repro import ReproResult
    from harness.traces.trace import Trace

LIMIT = 59_000
EXCERPT_STEPS = 5
_MOST_ROWS = 30
"""Rows of the change that stand above the fold."""


def issue(report: Report, evidence: Mapping[str, ProbeEvidence]) -> str:
    """Return the text of issue.md, at most `LIMIT` characters (GitHub takes 65,536)."""
    arm = gravest(report.arms)
    if arm is None:
        return f"Nothing was run for {md(report.package)}.\n"
    shown = _shown(arm)
    parts = [
        [f"**{md(arm.answer, 900)}**", ""],
        _script(report, shown),
        _commands(shown),
        _cause(report, arm),
        _change(report, arm),
        ["<details><summary>How this was found</summary>", ""],
        *([[f"{said}.", ""]] if (said := not_sought(report)) else []),
        _facts(report, arm),
        grid_changes(arm),
        *([["### Each test", "", *markdown(arm.tests)]] if arm.tests else []),
        _mechanisms(report, arm),
        *([environments(report)] if report.blame else []),
        *(
            _place(report, place, evidence)
            for place in places(report)
            if place.decisive and report.blame is None
        ),
        _others(report, arm),
        _environment(report),
    ]
    text = "\n".join(row for rows in parts for row in rows)
    return (text if len(text) <= LIMIT else text[:LIMIT] + "\n\n_(cut)_\n\n") + "</details>\n"


def _shown(arm: ArmResult) -> ReproResult | None:
    """Return the script that shows the newest break, or another boundary, and stands alone; None without one."""
    found = [one for one in arm.boundaries if one.repro is not None and one.repro.holds]
    found.sort(key=lambda one: one.kind == "regressed")  # stable: the newest break is the last one
    return found[-1].repro if found else None


def _commands(shown: ReproResult | None) -> list[str]:
    """Show the two commands and what they print."""
    if shown is None:
        return []
    rows = [
        row
        for side in (shown.good, shown.bad)
        for row in (
            f"$ {one_line(side.command, 400)}; echo $?",
            *filter(None, [one_line(side.said)]),
            str(side.status),
        )
    ]
    return ["```console", *rows, "```", ""]


def _change(report: Report, arm: ArmResult) -> list[str]:
    """Show the commit or the smallest change that does it at the newest break, if it is known."""
    opened = [one for one in arm.boundaries if (one.hunks or one.commits) and one.kind == "regressed"]
    if not opened:
        return []
    rows = descended_rows(brief(opened[-1], package_of(opened[-1], report.package)), patch(opened[-1]))
    return [*rows, ""] if len(rows) <= _MOST_ROWS else []


def _cause(report: Report, arm: ArmResult) -> list[str]:
    """Return the cause of the newest break and the lines that set it; nothing where it is not known."""
    said, cause = cause_of(report, arm), of_the_break(report, arm)
    if not said or cause is None:
        return []
    rows = [row.removeprefix("  ") for row in line_rows(cause, report.package)]
    return [md(said, 600), "", *([*rows, ""] if rows else [])]


def _facts(report: Report, arm: ArmResult) -> list[str]:
    tested = [release.version for release in arm.releases if release.verdict in ("good", "bad")]
    between = (
        f"{code(tested[0], 60)} to {code(tested[-1], 60)}, {len(tested)} with a verdict"
        if tested
        else "none with a verdict"
    )
    host = ", ".join(f"{md(name, 40)} {md(str(value), 80)}" for name, value in report.host.items() if value)
    parameters = ", ".join(f"{name}={value}" for name, value in arm.parameters.items())
    of_one = f"{md(report.package)} {between}, of {len(arm.releases)} releases"
    if report.blame is not None:
        of_one = f"{len(report.blame.changes)} changed packages"
    return [
        f"- searched: {searched(report) if report.axes else of_one}",
        f"- job: {md(report.scenario)}, arm {md(arm.name, 60)} ({code(parameters or 'no parameters')}): {md(report.description)}",
        f"- host: {host}",
        f"- repeated executions: {_repeated(arm)}",
        f"- command: {code(report.command)}",
        "",
    ]


def _repeated(arm: ArmResult) -> str:
    """Say what repeated executions showed: of traces where there are any, else of verdicts."""
    if arm.deterministic is not None:
        return "traces equal bit for bit" if arm.deterministic else "traces not equal bit for bit"
    repeated = [release for release in arm.releases if release.repeats]
    if not repeated:
        return "none"
    divided = [one.version for one in repeated if set(one.repeats) != {one.verdict}]
    if divided:
        return f"verdicts disagree with {', '.join(md(version, 60) for version in divided)}"
    return f"verdicts agree with all {len(repeated)} releases that were executed again; no trace to compare"


def _script(report: Report, shown: ReproResult | None) -> list[str]:
    """Show the script that stands alone, else the one that the question is about, in a fence longer than any in it."""
    script = shown.script if shown else report.script
    if not script:
        return []
    what = f"{NAME}, which stands alone" if shown else md(report.description, 200)
    longest = max((len(run) for run in re.findall("`+", script)), default=0)
    fence = "`" * max(3, longest + 1)
    return [
        f"<details><summary>{what}</summary>",
        "",
        f"{fence}python",
        *clean(script, LIMIT // 2).splitlines(),
        fence,
        "",
        "</details>",
        "",
    ]


def _mechanisms(report: Report, arm: ArmResult) -> list[str]:
    """Tell what went wrong at the first break, and what helps."""
    own = [one for one in report.cause if one.arm == arm.name and one.kind == "regressed"]
    rows = [f"- {md(item.text, 600)}" for one in own[:1] for item in one.mechanisms]
    tried = [said for one in report.interventions if one.arm == arm.name for said in sentences(one)]
    rows += [f"- remedies: {md(said, 600)}" for said in tried]
    return ["### How it goes wrong, and what helps", "", *rows, ""] if rows else []


def _place(report: Report, place: Place, evidence: Mapping[str, ProbeEvidence]) -> list[str]:
    package = package_of(place.entries[0].boundary, report.package)
    along = place.entries[0].boundary.axis
    between = (
        f"{place.before} → {place.after}"
        if along is None
        else f"{along.before} → {along.after} with {along.held} {along.held_version}"
    )
    rows = [f"### {md(package)} {md(between, 160)}", ""]
    for entry in place.entries:
        boundary = entry.boundary
        sure = f", {confirmation(boundary)}"
        rows.append(f"- {md(', '.join(entry.arms))}: {boundary.signal} {boundary.kind}{sure}")
        rows += [f"  - {md(detail)}" for detail in boundary.details]
        if entry.gap:
            rows.append(f"  - {md(entry.gap, 600)}")
        if shown := proof(boundary, report.package):
            rows += [f"  - {md(shown, 600)}.", "", *mixture_table(boundary, report.package)]
        if boundary.hunks or boundary.commits:
            rows += ["", *descended_rows(brief(boundary, package), patch(boundary))]
        if boundary.devices:
            rows += [f"  - {md(capital(boundary.agreement), 600)}.", "", *device_table(boundary)]
    decisive = next(entry for entry in place.entries if entry.boundary.signal == "verdict")
    arm = next(item for item in report.arms if item.name == decisive.arms[0])
    sides = [release for release in arm.releases if release.version in (place.before, place.after)]
    rows += [
        "",
        *(f"- {code(side.version, 120)}: **{side.verdict}**: {md(side.reason)}" for side in sides),
        *(
            f"- {md(said)}: {code(text, 200)}"
            for said, text in raised(decisive.boundary, sides, report.package)
        ),
        "",
    ]
    return [*rows, *_moves(report, decisive.boundary), *_excerpt(sides, evidence), *_locks(sides)]


def _moves(report: Report, boundary: BoundaryResult) -> list[str]:
    """Say what else than the package under test differs between both sides' locks, if that is known."""
    if not boundary.moves:
        return []
    package = package_of(boundary, report.package)
    others = [
        f"{one['name']} {one['before'] or 'absent'} → {one['after'] or 'absent'}"
        for one in boundary.moves
        if one["name"] != package
    ]
    said = f"also in {md('; '.join(others))}" if others else "in nothing else, to the hash"
    return [f"The locks of both sides differ in {md(package)} and {said}.", ""]


def _excerpt(sides: list[ReleaseResult], evidence: Mapping[str, ProbeEvidence]) -> list[str]:
    traces = [(side, trace) for side in sides if (trace := trace_of(side, evidence)) and trace.rows]
    if len(traces) < 2:
        return []
    columns = _excerpt_columns(traces[0][1])
    header = ["step", *(md(f"{side.version}: {name}", 80) for side, _ in traces for name in columns)]
    rows = [
        "<details><summary>First steps</summary>",
        "",
        f"| {' | '.join(header)} |",
        "|" + "---|" * len(header),
    ]
    for step in sorted({step for _, trace in traces for step in trace.steps[:EXCERPT_STEPS]}):
        cells = [_at(trace, name, step) for _, trace in traces for name in columns]
        rows.append(f"| {step} | {' | '.join(cells)} |")
    return [*rows, "", "</details>", ""]


def _at(trace: Trace, name: str, step: int) -> str:
    values = dict(zip(trace.steps, trace.signal(name), strict=False))
    return number(values[step]) if step in values else ""


def _excerpt_columns(trace: Trace) -> list[str]:
    layer = next((name for name in trace.columns if name.endswith(".weight.optimizer.norm")), None)
    gradient = next((name for name in trace.columns if name.endswith(".gradient.backward.norm")), None)
    return [name for name in ("loss", layer, gradient) if name and name in trace.columns]


def _locks(sides: list[ReleaseResult]) -> list[str]:
    rows = [
        f"- {code(side.version, 120)}: lock {code(side.lock or 'none')}, run it again: {code(side.command, 400)}"
        for side in sides
    ]
    return ["<details><summary>Locks and commands of both sides</summary>", "", *rows, "", "</details>", ""]


def _others(report: Report, told: ArmResult) -> list[str]:
    others = [arm for arm in report.arms if arm is not told]
    rows = [f"- {md(arm.name, 60)}: {md(arm.answer, 900)}" for arm in others]
    return ["### Other arms", "", *rows, ""] if rows else []


def _environment(report: Report) -> list[str]:
    environment = report.environment
    packages = environment.get("packages") or {}
    rows = [f"- policy: {md(str(environment.get('policy', 'unknown')))}"]
    rows += [f"- {md(name)}: {md(value)}" for name, value in fixed(report)]
    rows += [f"- pin: {code(str(pin), 120)}" for pin in environment.get("pins", [])]
    rows += [
        f"- {md(release, 60)} moves {md(', '.join(moved))}"
        for release, moved in (environment.get("moves") or {}).items()
        if moved
    ]
    listed = [f"{one_line(name, 80)}=={one_line(str(version), 60)}" for name, version in packages.items()]
    return [
        "<details><summary>Environment</summary>",
        "",
        *rows,
        "",
        *(["```text", *listed, "```", ""] if listed else []),
        "</details>",
        "",
    ]
