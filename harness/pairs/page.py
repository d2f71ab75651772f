"""index.html of two packages: the sentence on top, a grid of both packages' releases, and the way to every run."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from harness.pairs.issue import headline, moves
from harness.report.answer import TONES
from harness.report.render import environment
from harness.report.text import anchor, clean, one_line

if TYPE_CHECKING:
    from harness.pairs.model import PackageRange, PairArm, PairReport

HERE = Path(__file__).parent
REPORT = HERE.parent / "report" / "templates"


@dataclass(frozen=True, slots=True)
class CellView:
    """One cell: `tip` says what is known of it, `link` leads to the probe in the report of a run that has it."""

    verdict: str
    tip: str
    link: str
    role: str


@dataclass(frozen=True, slots=True)
class GridView:
    """One arm's grid: the package with fewer releases runs across, the other one down."""

    arm: PairArm
    across: PackageRange
    down: PackageRange
    rows: list[list[CellView]]


def draw(report: PairReport, *, issue: str) -> str:
    """Return the text of index.html.

    Args:
        report: The facts.
        issue: The text behind the button that copies an issue.
    """
    script = (REPORT / "page.js").read_text(encoding="utf-8")
    style = (REPORT / "page.css").read_text(encoding="utf-8")
    style += (HERE / "templates" / "pair.css").read_text(encoding="utf-8")
    blob = json.dumps(clean(issue, len(issue))).replace("<", "\\u003c").replace(">", "\\u003e")
    return (
        environment(HERE / "templates")
        .get_template("pair.html.j2")
        .render(
            report=report,
            headline=one_line(headline(report), 600),
            tones=TONES,
            grids=[_grid(report, arm) for arm in report.arms],
            moves=moves,
            links={(part.package, part.held, part.version): part.folder for part in report.parts},
            issue=Markup(blob.replace("&", "\\u0026")),  # noqa: S704 - JSON in which no tag can begin
            style=Markup(style),  # noqa: S704 - files of this package
            script=Markup(script),  # noqa: S704 - files of this package
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


def _grid(report: PairReport, arm: PairArm) -> GridView:
    turned = len(report.packages[0].versions) > len(report.packages[1].versions)
    across, down = report.packages[::-1] if turned else report.packages
    links = _links(report, arm)
    known = {tuple(one.versions): one for one in arm.cells}
    roles = _roles(report, arm)
    rows = []
    for low in down.versions:
        row = []
        for high in across.versions:
            versions = (low, high) if turned else (high, low)
            cell = known.get(versions)
            verdict = cell.verdict if cell else "untested"
            pair = zip(report.packages, versions, strict=True)
            tip = " with ".join(f"{one.package} {version}" for one, version in pair)
            tip += f": {verdict}" + (f", {one_line(cell.reason, 200)}" if cell else "")
            row.append(CellView(verdict, tip, links.get(versions, ""), roles.get(versions, "")))
        rows.append(row)
    return GridView(arm, across, down, rows)


def _links(report: PairReport, arm: PairArm) -> dict[tuple[str, ...], str]:
    """Return {cell: address} of the probe in the report of a run that executed it; the latest run counts."""
    found: dict[tuple[str, ...], str] = {}
    for part in report.parts:
        if arm.name not in part.answers:
            continue
        place = [one.package for one in report.packages].index(part.package)
        versions = report.packages[place].versions
        for version in versions[versions.index(part.first) : versions.index(part.last) + 1]:
            cell = (version, part.version) if place == 0 else (part.version, version)
            found[cell] = f"{part.folder}/index.html#{anchor('probe', arm.name, version)}"
    return found


def _roles(report: PairReport, arm: PairArm) -> dict[tuple[str, ...], str]:
    """Return {cell: `pair` or `side`}: the pair, and the sides of all changes."""
    first = report.packages[0].package
    found: dict[tuple[str, ...], str] = {}
    for one in arm.changes:
        for version in (one.before, one.after):
            found[(version, one.version) if one.package == first else (one.version, version)] = "side"
    if arm.pair:
        found[tuple(arm.pair[one.package] for one in report.packages)] = "pair"
    return found
