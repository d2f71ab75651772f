"""issue.md and summary.md of two packages: complete in themselves, both packages named, without links to files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.report.summary import code, md
from harness.report.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.pairs.model import PairArm, PairChange, PairReport

LIMIT = 60_000


def headline(report: PairReport) -> str:
    """Return the answer that matters most: of the first arm that is not good throughout, else of the first."""
    telling = [arm for arm in report.arms if arm.conclusion != "always-good"]
    return (telling or report.arms)[0].answer


def summary(report: PairReport) -> str:
    """Return the text of summary.md."""
    rows = [f"# {md(headline(report), 1000)}", ""]
    for arm in report.arms:
        rows += [f"- **{md(arm.name, 60)}** ({md(arm.conclusion, 60)}): {md(arm.answer, 1000)}"]
    rows += [line for text in report.warnings for line in ("", f"> ⚠ {md(text)}")]
    for arm in report.arms:
        rows += ["", *_changes(arm), *_notes(arm)]
    return "\n".join([*rows, "", f"Ask again: {code(report.command)}", ""])


def issue(report: PairReport) -> str:
    """Return the text of issue.md."""
    rows = [f"**{md(headline(report), 1000)}**", ""]
    spans = [
        f"{md(one.package, 60)} {code(one.versions[0], 60)} to {code(one.versions[-1], 60)}"
        for one in report.packages
    ]
    rows += [
        f"- searched: {' and '.join(spans)}, every edge by releases of one package with the other one held",
        f"- job: {md(report.scenario)}: {md(report.description)}",
        f"- command: {code(report.command)}",
        "",
    ]
    for arm in report.arms:
        if len(report.arms) > 1:
            rows += [f"### {md(arm.name, 60)}: {md(arm.answer, 1000)}", ""]
        rows += [*_changes(arm), *_notes(arm), *_cells(report, arm), *_commands(arm)]
    text = "\n".join([*rows, *_script(report)])
    return text if len(text) <= LIMIT else text[:LIMIT] + "\n\n_(cut)_\n"


def moves(change: PairChange) -> list[str]:
    """Say what else than the two packages differs between both sides of a change."""
    return [f"{one['name']} {one['before'] or 'absent'} → {one['after'] or 'absent'}" for one in change.moves]


def _changes(arm: PairArm) -> Iterator[str]:
    if not arm.changes:
        return
    yield from ("| held | good | bad | confirmed |", "|---|---|---|---|")
    for one in arm.changes:
        good, bad = (one.before, one.after) if one.kind == "regressed" else (one.after, one.before)
        gap = f", {len(one.skipped)} between could not be tested" if one.skipped else ""
        held = f"{md(one.held, 60)} {code(one.version, 60)}"
        sides = f"{md(one.package, 60)} {code(good, 60)} | {md(one.package, 60)} {code(bad, 60)}"
        yield f"| {held} | {sides} | {'yes' if one.confirmed else 'no'}{gap} |"
    yield ""
    for one in arm.changes:
        moved = (
            f"also moves {md('; '.join(moves(one)), 600)}" if one.moves else "moves nothing else, to the hash"
        )
        yield f"- {md(one.package, 60)} {code(one.before, 60)} → {code(one.after, 60)} {moved}"
    yield ""


def _notes(arm: PairArm) -> Iterator[str]:
    yield from (f"- {md(note, 600)}" for note in arm.notes)
    if arm.notes:
        yield ""


def _cells(report: PairReport, arm: PairArm) -> Iterator[str]:
    first, second = report.packages
    yield from ("<details><summary>Every pair that was executed</summary>", "")
    yield from (
        f"| {md(first.package, 60)} | {md(second.package, 60)} | verdict | reason |",
        "|---|---|---|---|",
    )
    for one in arm.cells:
        yield f"| {code(one.versions[0], 60)} | {code(one.versions[1], 60)} | {one.verdict} | {md(one.reason)} |"
    yield from ("", "</details>", "")


def _commands(arm: PairArm) -> Iterator[str]:
    commands = dict.fromkeys(command for one in arm.changes for command in one.commands)
    if commands:
        yield from ("<details><summary>Execute them again</summary>", "")
        yield from (f"- {code(command, 600)}" for command in commands)
        yield from ("", "</details>", "")


def _script(report: PairReport) -> Iterator[str]:
    """Show the script that the question is about, in a fence that is longer than any in it."""
    if report.script:
        longest = max((len(run) for run in re.findall("`+", report.script)), default=0)
        fence = "`" * max(3, longest + 1)
        yield from (f"<details open><summary>{md(report.description, 200)}</summary>", "", f"{fence}python")
        yield from clean(report.script, LIMIT // 2).splitlines()
        yield from (fence, "", "</details>", "")
