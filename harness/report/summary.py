"""summary.md: the answer first, small enough for the job summary of a CI system (which drops larger ones whole)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.report import descended, lines, operations
from harness.report.blame_rows import held, rebuilding, replaced, support
from harness.report.blame_rows import rows as change_rows
from harness.report.boundaries import bad_means, gravest
from harness.report.causes import not_sought, of_the_break
from harness.report.classes import equal_traces, places
from harness.report.dependencies import proof
from harness.report.dependencies import rows as mixture_rows
from harness.report.devices import rows as device_rows
from harness.report.fixed import fixed
from harness.report.flakiness import divided
from harness.report.grid_tables import changes as grid_changes
from harness.report.markdown import code, md
from harness.report.offers import offers
from harness.report.policies import compared
from harness.report.remedies import sentences
from harness.report.stages import stage_sentences
from harness.report.tests import markdown
from harness.report.text import capital, one_line, seconds
from harness.report.why import cause_of, confirmed_cause

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.report.attribution import CauseResult
    from harness.report.classes import Entry, Place
    from harness.report.model import ArmResult, BoundaryResult, ReleaseResult, Report

LIMIT = 100_000
MARKS = {"good": "●", "bad": "✕", "skip": "◌", "inferred": "≈", "untested": "·"}
DIVIDED = "◐"
"""In the strip, a release whose executions disagree."""


def summary(report: Report) -> str:
    """Return the text of summary.md, at most `LIMIT` bytes; what does not fit is left out from the end."""
    head = [f"# {md(headline(report), 900)}", ""]
    head += [
        f"- **{md(arm.name, 60)}** ({md(arm.conclusion, 60)}): {md(arm.answer, 900)}" for arm in report.arms
    ]
    head += [row for arm in report.arms for row in _cause(report, arm)]
    head += [f"- {md(said, 600)}." for said in [not_sought(report)] if said]
    head += [
        f"- **{md(matrix.arm, 60)}**, remedies: {md(said, 600)}"
        for matrix in report.interventions
        for said in sentences(matrix)
    ]
    head += [line for text in report.warnings for line in ("", f"> ⚠ {md(text)}")]
    body = [
        *head,
        *(environments(report) if report.blame else _boundaries(report)),
        *tests(report),
        *([] if report.axes else _strip(report)),
        *_classes(report),
        *_open(report),
        *_where(report),
        *_releases(report.arms),
    ]
    return _fitting(body)


def _open(report: Report) -> list[str]:
    """Return the commands that would decide what the run leaves open, in the folder in which its folder lies."""
    said = [f"- {md(text, 600)}." for text in [compared(report.policies)] if text]
    found = [
        f"- {md(capital(offer.said), 900)}: {code(offer.command, 900)}"
        for offer in offers(report, report.run)
    ]
    return ["", "## What is open", "", *said, *found, ""] if said or found else []


def headline(report: Report) -> str:
    """Return what matters most: the answer of the arm with the gravest conclusion, with its cause if confirmed."""
    first = gravest(report.arms)
    if first is None:
        return f"Nothing was run for {one_line(report.package, 60)}."
    return " ".join(filter(None, [first.answer, confirmed_cause(report, first)[0]]))


def _cause(report: Report, arm: ArmResult) -> list[str]:
    """Return the cause of an arm's newest break with its lines; nothing where it is not known."""
    said, cause = cause_of(report, arm), of_the_break(report, arm)
    if not said or cause is None:
        return []
    operation = [f"  - {md(text)}" for text in [operations.sentence(cause)] if text]
    return [f"- **{md(arm.name, 60)}**: {md(said)}", *line_rows(cause, report.package), *operation]


def line_rows(cause: CauseResult, package: str) -> list[str]:
    """Return the last lines that set the property on both sides, as the items of a list in a list."""
    return [
        f"  - {md(said)}{f': {code(text, 200)}' if text else ''}" for said, text in lines.rows(cause, package)
    ]


def _boundaries(report: Report) -> list[str]:
    if report.axes:
        rows = [row for arm in report.arms for row in (f"### {md(arm.name, 60)}", "", *grid_changes(arm))]
        return ["", "## Where it changes", "", *rows]
    rows = [
        f"| {code(place.before, 60)} → {code(place.after, 60)} | {md(', '.join(entry.arms))} | {entry.boundary.signal} "
        f"| {entry.boundary.kind} | {'yes' if entry.boundary.confirmed else ''} | {md('; '.join(filter(None, [*entry.boundary.details, entry.gap])), 600)} |"
        for place, entry in _entries(report)
    ]
    if not rows:
        return ["", "No boundary was found.", ""]
    return [
        "",
        "## Where it changes",
        "",
        "| between | arms | signal | kind | confirmed | what differs |",
        "|" + "---|" * 6,
        *rows,
        "",
        *(f"- {md(said)}" for said in stage_sentences(report)),
        *_dependencies(report),
        *_descended(report),
        *_devices(report),
    ]


def tests(report: Report) -> list[str]:
    """Return what became of each test, an arm each; nothing where pytest did not run."""
    rows = [row for arm in report.arms if arm.tests for row in markdown(arm.tests)]
    return ["", "## Each test", "", *rows] if rows else []


def environments(report: Report) -> list[str]:
    """Return what changed between two environments, as a table, and what was not installed as listed."""
    blame = report.blame
    if blame is None:
        return []
    sides = [("good", blame.good), ("bad", blame.bad)]
    said = [f"- {side}: {code(one.given, 120)}, {held(one)}" for side, one in sides]
    said += [f"- {md(line)}" for line in [*replaced(blame), support(blame)] if line]
    found = [
        f"| {code(row.name, 60)} | {code(row.before, 40)} | {code(row.after, 40)} | {row.standing} | {md(row.shown, 600)} |"
        for row in change_rows(blame)
    ]
    table = (
        ["| package | good | bad | it is | what shows that |", "|" + "---|" * 5, *found, ""] if found else []
    )
    opened = [
        row
        for one in filter(descended.known, blame.inside)
        for row in (
            f"**{md(one.name)}**, {code(one.good, 60)} → {code(one.bad, 60)}:",
            "",
            *descended_rows(descended.rows(one, one.name), descended.patch(one)),
        )
    ]
    by_hand = [f"- {code(line, 400)}" for line in rebuilding(report)]
    return [
        "",
        "## What changed",
        "",
        *said,
        "",
        *table,
        *opened,
        *(["Environments by hand:", "", *by_hand, ""] if by_hand else []),
    ]


def _entries(report: Report) -> Iterator[tuple[Place, Entry]]:
    """Yield every boundary with the arms that have it, beside its place."""
    return ((place, entry) for place in places(report) for entry in place.entries)


def _dependencies(report: Report) -> list[str]:
    rows = [
        row
        for _, entry in _entries(report)
        if entry.boundary.dependencies and entry.boundary.dependencies.trials
        for row in (
            f"**{md(', '.join(entry.arms))}**: {md(proof(entry.boundary, report.package), 600)}.",
            "",
            *mixture_table(entry.boundary, report.package),
        )
    ]
    return ["## With each other's dependencies", "", *rows] if rows else []


def _descended(report: Report) -> list[str]:
    rows = [
        row
        for place, entry in _entries(report)
        if entry.boundary.hunks or entry.boundary.commits
        for row in (
            f"**{md(', '.join(entry.arms))}**, {code(place.before, 60)} → {code(place.after, 60)}:",
            "",
            *descended_rows(descended.rows(entry.boundary, report.package), descended.patch(entry.boundary)),
        )
    ]
    return ["## Which change does it", "", *rows] if rows else []


def descended_rows(rows: Iterable[descended.Row], patch: str) -> list[str]:
    """Return what opening a boundary proved as a list, and the smallest change as a diff.

    Args:
        rows: What is said.
        patch: The diff; empty where none is known.
    """
    said = [
        f"- {md(row.said, 900)}{f': {code(row.code, 200)}' if row.code else '.'}{f' {row.link}' if row.link else ''}"
        for row in rows
    ]
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", patch)), default=0))
    return [*said, "", *([f"{fence}diff", *patch.splitlines(), fence, ""] if patch else [])]


def mixture_table(boundary: BoundaryResult, package: str) -> list[str]:
    """Return what was executed with dependencies of the other side as a table; nothing if nothing was."""
    found = mixture_rows(boundary, package)
    if not found:
        return []
    return [
        "| executed | its requirements allow that | verdict | executions | result | why |",
        "|" + "---|" * 6,
        *(
            f"| {md(row.mixture)} | {row.allowed} | {MARKS.get(row.verdict, '?')} {md(row.verdict, 20)} "
            f"| {row.executions} | {md(row.did)} | {md(row.reason)} |"
            for row in found
        ),
        "",
    ]


def _devices(report: Report) -> list[str]:
    rows = [
        row
        for _, entry in _entries(report)
        if entry.boundary.devices
        for row in (
            f"**{md(', '.join(entry.arms))}**: {md(capital(entry.boundary.agreement), 600)}.",
            "",
            *device_table(entry.boundary),
        )
    ]
    return ["## On several devices", "", *rows] if rows else []


def device_table(boundary: BoundaryResult) -> list[str]:
    """Return both sides of a boundary on every device as a table."""
    return [
        "| device | torch | release | verdict | last loss | executions | why |",
        "|" + "---|" * 7,
        *(
            f"| {md(row.device, 120)} | {md(row.torch, 60)} | {code(row.release, 60)} | {MARKS.get(row.verdict, '?')} "
            f"{md(row.verdict, 20)} | {row.loss} | {row.executions} | {md(row.reason)} |"
            for row in device_rows(boundary)
        ),
        "",
    ]


def _strip(report: Report) -> list[str]:
    rows = [f"{one_line(arm.name, 20):<12} {''.join(map(_mark, arm.releases))}" for arm in report.arms]
    ends = [
        (one_line(arm.releases[0].version, 30), one_line(arm.releases[-1].version, 30))
        for arm in report.arms
        if arm.releases
    ]
    if not ends:
        return []
    legend = f"● good  ✕ {bad_means(report.arms)}  ◌ skip  · untested"
    legend += f"  {MARKS['inferred']} inferred" if any(MARKS["inferred"] in one for one in rows) else ""
    legend += f"  {DIVIDED} executions disagree" if any(DIVIDED in one for one in rows) else ""
    return [
        "```text",
        *rows,
        f"{'':<12} {ends[0][0]} … {ends[0][1]}   {legend}",
        "```",
        "",
    ]


def _mark(release: ReleaseResult) -> str:
    return DIVIDED if divided(release) else MARKS.get(release.standing, "?")


def _classes(report: Report) -> list[str]:
    rows = [
        f"- {md(', '.join(arms))}: " + "; ".join(f"**{md(name, 60)}** {md(span)}" for name, span in spans)
        for arms, spans in equal_traces(report)
    ]
    return ["## Trained identically, bit for bit", "", *rows, ""] if rows else []


def _where(report: Report) -> list[str]:
    host = ", ".join(f"{md(name, 40)} {md(str(value), 80)}" for name, value in report.host.items() if value)
    pins = ", ".join(code(str(pin), 80) for pin in report.environment.get("pins", []))
    return [
        "## Where and how",
        "",
        f"- Host: {host}",
        f"- Pins: {pins or 'none'}",
        *(f"- {md(name)}: {md(value)}" for name, value in fixed(report)),
        f"- Ask again: {code(report.command)}",
        "",
    ]


def _releases(arms: Iterable[ArmResult]) -> list[str]:
    rows = ["## Every release", ""]
    for arm in arms:
        rows += [
            f"### {md(arm.name, 60)}",
            "",
            "| release | verdict | reason | training |",
            "|---|---|---|---|",
        ]
        rows += [
            f"| {code(item.version, 120)} | {MARKS.get(item.standing, '?')} {md(item.standing, 20)} | {md(item.reason)} "
            f"| {seconds(item.seconds.get('training'))} |"
            for item in arm.releases
        ]
        rows.append("")
    return rows


def _fitting(rows: list[str]) -> str:
    note = "\n_Cut here: the rest is in index.html and report.json._\n"
    room = LIMIT - len(note.encode())
    taken = 0
    for index, row in enumerate(rows):
        taken += len(row.encode("utf-8", "replace")) + 1
        if taken > room:
            return "\n".join(rows[:index]) + note
    return "\n".join(rows)
