"""The section "What helps": remedies tried, what each did to each release, and how long trainings last."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.evidence import trace_of
from harness.report.spark import Spark, spark
from harness.report.text import NOTHING, anchor, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.report.attribution import CellResult, MatrixResult, RemedyResult
    from harness.report.evidence import ProbeEvidence
    from harness.report.model import Report
    from harness.traces.trace import Trace

TONES = {"cures": "good", "worse": "bad", "error": "warn", "no effect": "plain", "not applicable": "faint"}
SIGNS = {"cures": "✓", "worse": "✕", "error": "!", "no effect": "=", "not applicable": NOTHING}


@dataclass(frozen=True, slots=True)
class CellView:
    """One cell; `id` is that of the line that tells more, `spark` its loss over that without the remedy."""

    id: str
    release: str
    outcome: str
    sign: str
    tone: str
    note: str
    verdict: str
    reason: str
    probe: str
    trace: str
    spark: Spark | None


@dataclass(frozen=True, slots=True)
class RemedyView:
    """One remedy; `helps` is what the function of that name says."""

    id: str
    name: str
    description: str
    by: str
    settings: str
    helps: str
    cells: list[CellView]


@dataclass(frozen=True, slots=True)
class MatrixView:
    """All remedies of one arm, with a sentence that sums them up."""

    id: str
    arm: str
    columns: list[tuple[str, str]]
    sentences: list[str]
    remedies: list[RemedyView]


Traces = dict[str, "Trace"]
"""{release: its trace without a remedy}."""


def matrices(report: Report, evidence: Mapping[str, ProbeEvidence]) -> list[MatrixView]:
    """Return the matrices of all arms; cells whose evidence is not at hand have no drawing."""
    return [_matrix(one, _unfixed(report, one.arm, evidence), evidence) for one in report.interventions]


def _unfixed(report: Report, arm: str, evidence: Mapping[str, ProbeEvidence]) -> Traces:
    rows = [release for one in report.arms if one.name == arm for release in one.releases]
    found = {release.version: trace_of(release, evidence) for release in rows}
    return {version: trace for version, trace in found.items() if trace}


def helps(matrix: MatrixResult, remedy: RemedyResult) -> str:
    """Return what a remedy does to the bad releases: cures all (yes), some (in part), none (no); or untried."""
    bad = [cell for cell, verdict in zip(remedy.cells, matrix.baseline, strict=True) if verdict == "bad"]
    if all(cell.outcome == "not applicable" for cell in bad):
        return "untried"
    cured = sum(cell.outcome == "cures" for cell in bad)
    return "no" if not cured else "yes" if cured == len(bad) else "in part"


def harms(remedy: RemedyResult) -> bool:
    """Tell whether a remedy makes a good release bad."""
    return any(cell.outcome == "worse" for cell in remedy.cells)


def sentences(matrix: MatrixResult) -> list[str]:
    """Return what a matrix says in words: what cures everywhere, and what was recommended and does not."""
    cures = [one.name for one in matrix.remedies if helps(matrix, one) == "yes" and not harms(one)]
    harmless = " and harms none" if "good" in matrix.baseline else ""
    bad = [
        version for version, verdict in zip(matrix.releases, matrix.baseline, strict=True) if verdict == "bad"
    ]
    tested = f"every bad release tested ({', '.join(bad)})"
    found = [f"Cures {tested}{harmless}: {', '.join(cures)}." if cures else f"No remedy cures {tested}."]
    for by in dict.fromkeys(one.by for one in matrix.remedies if one.by):
        failing = [one.name for one in matrix.remedies if one.by == by and helps(matrix, one) == "no"]
        if failing:
            found.append(f"Recommended ({by}) and cures nothing here: {', '.join(failing)}.")
    untried = [one.name for one in matrix.remedies if helps(matrix, one) == "untried"]
    if untried:
        found.append(f"Cannot be tried on the bad releases: {', '.join(untried)}.")
    return found


def not_tried(report: Report) -> list[str]:
    """Return a sentence for each arm whose remedies were not tried, since that takes long."""
    return [
        f"Remedies were not tried in {arm}: that would take about {math.ceil(seconds / 60)} min; --fixes tries them."
        for arm, seconds in report.remedies_left.items()
    ]


def _matrix(matrix: MatrixResult, unfixed: Traces, evidence: Mapping[str, ProbeEvidence]) -> MatrixView:
    return MatrixView(
        id=anchor("remedies", matrix.arm),
        arm=matrix.arm,
        columns=list(zip(matrix.releases, matrix.baseline, strict=True)),
        sentences=sentences(matrix),
        remedies=[_remedy(matrix, one, unfixed, evidence) for one in matrix.remedies],
    )


def _remedy(
    matrix: MatrixResult, remedy: RemedyResult, unfixed: Traces, evidence: Mapping[str, ProbeEvidence]
) -> RemedyView:
    return RemedyView(
        id=anchor("remedy", matrix.arm, remedy.name),
        name=one_line(remedy.name, 60),
        description=one_line(remedy.description, 160),
        by=one_line(remedy.by, 40),
        settings=", ".join(f"{name} = {one_line(str(value), 60)}" for name, value in remedy.settings.items()),
        helps=helps(matrix, remedy),
        cells=[_cell(matrix, remedy, cell, unfixed, evidence) for cell in remedy.cells],
    )


def _cell(
    matrix: MatrixResult,
    remedy: RemedyResult,
    cell: CellResult,
    unfixed: Traces,
    evidence: Mapping[str, ProbeEvidence],
) -> CellView:
    found = evidence.get(cell.probe) if cell.probe else None
    return CellView(
        id=anchor("trial", matrix.arm, remedy.name, cell.release),
        release=cell.release,
        outcome=cell.outcome,
        sign=SIGNS.get(cell.outcome, "?"),
        tone=TONES.get(cell.outcome, "plain"),
        note=one_line(cell.note, 160),
        verdict=cell.verdict,
        reason=one_line(cell.reason, 300),
        probe=cell.probe or "",
        trace=cell.trace or "",
        spark=spark(found.trace, unfixed.get(cell.release)) if found else None,
    )
