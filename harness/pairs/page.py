"""index.html of two packages: the sentence on top, a grid of both packages' releases, and the way to every run."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from harness.pairs.issue import headline, moves
from harness.report.boundaries import TONES
from harness.report.render import environment
from harness.report.text import anchor, clean, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.pairs.model import CellResult, PackageRange, PairArm, PairReport

HERE = Path(__file__).parent
REPORT = HERE.parent / "report" / "templates"
MOST_LARGE = 16
"""Releases of one package up to which the cells are large."""
LEAST_FOLDED = 3
"""Neighbouring releases that were not executed at all are folded, if there are so many."""


@dataclass(frozen=True, slots=True)
class CellView:
    """One cell: `tip` says what is known of it, `link` leads to the probe in the report of a run that has it."""

    verdict: str
    tip: str
    link: str
    role: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row's or a column's release, or how many are `folded` into it since nothing of them was executed."""

    version: str
    folded: int = 0


@dataclass(frozen=True, slots=True)
class GridView:
    """One arm's grid: the package with fewer releases runs across, the other one down.

    Attributes:
        rows: A list of cells for each line of `down`; a cell is None where either line is folded.
    """

    arm: PairArm
    across: str
    down: str
    columns: list[Line]
    rows: list[tuple[Line, list[CellView | None]]]
    large: bool


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
    known = {tuple(one.versions): one for one in arm.cells}
    seen = [{versions[place] for versions in known} for place in (0, 1)]
    columns, lines = (_lines(one, seen[report.packages.index(one)]) for one in (across, down))
    cell = _cells(report, arm, known)
    rows = [
        (low, [None if low.folded or high.folded else cell(_pair(low, high, turned)) for high in columns])
        for low in lines
    ]
    large = max(len(columns), len(lines)) <= MOST_LARGE
    return GridView(arm, across.package, down.package, columns, rows, large)


def _pair(down: Line, across: Line, turned: bool) -> tuple[str, str]:
    return (down.version, across.version) if turned else (across.version, down.version)


def _lines(package: PackageRange, seen: set[str]) -> list[Line]:
    """Return a line for each release, neighbours of which nothing was executed folded."""
    found: list[Line] = []
    for executed, run in groupby(package.versions, key=lambda version: version in seen):
        versions = list(run)
        if executed or len(versions) < LEAST_FOLDED:
            found += [Line(version) for version in versions]
        else:
            found.append(Line(f"{versions[0]} to {versions[-1]}", len(versions)))
    return found


def _cells(
    report: PairReport, arm: PairArm, known: Mapping[tuple[str, ...], CellResult]
) -> Callable[[tuple[str, str]], CellView]:
    """Return what makes the view of a cell of an arm."""
    links, roles = _links(report, arm), _roles(report, arm)

    def view(versions: tuple[str, str]) -> CellView:
        found = known.get(versions)
        verdict = found.verdict if found else "untested"
        pair = zip(report.packages, versions, strict=True)
        tip = " with ".join(f"{one.package} {version}" for one, version in pair)
        tip += f": {verdict}" + (f", {one_line(found.reason, 200)}" if found else "")
        return CellView(verdict, tip, links.get(versions, "") if found else "", roles.get(versions, ""))

    return view


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
