"""The grid of two packages on the page, in place of the strip: a cell a pair, and the way to every run."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from harness.report.axes import in_order, pair_name
from harness.report.boundaries import bad_means
from harness.report.text import anchor, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.report.axes import AxisResult
    from harness.report.model import ArmResult, BoundaryResult, Report

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
        bad: What the legend calls the verdict bad.
    """

    arm: ArmResult
    across: str
    down: str
    columns: list[Line]
    rows: list[tuple[Line, list[CellView | None]]]
    large: bool
    bad: str


def grids(report: Report) -> list[GridView]:
    """Return the grids of all arms; none in a report about one package."""
    return [_grid(report, arm) for arm in report.arms if arm.grid is not None]


def run_of(report: Report, boundary: BoundaryResult) -> str:
    """Return the folder of the run that found a boundary, seen from the report's; empty if there is none."""
    axis = boundary.axis
    found = [
        part.folder
        for part in report.parts
        if axis
        and (part.package, part.held, part.held_version) == (axis.package, axis.held, axis.held_version)
    ]
    return found[-1] if found else ""


def _grid(report: Report, arm: ArmResult) -> GridView:
    turned = len(report.axes[0].versions) > len(report.axes[1].versions)
    across, down = report.axes[::-1] if turned else report.axes
    known = [row.point.choice() for row in arm.releases if row.point]
    columns, lines = (_lines(one, {choice[one.package] for choice in known}) for one in (across, down))
    cell = _cells(report, arm)

    def at(low: Line, high: Line) -> CellView | None:
        if low.folded or high.folded:
            return None
        return cell((low.version, high.version) if turned else (high.version, low.version))

    rows = [(low, [at(low, high) for high in columns]) for low in lines]
    large = max(len(columns), len(lines)) <= MOST_LARGE
    return GridView(arm, across.package, down.package, columns, rows, large, bad_means(report.arms))


def _lines(axis: AxisResult, seen: set[str]) -> list[Line]:
    """Return a line for each release, neighbours of which nothing was executed folded."""
    found: list[Line] = []
    for executed, run in groupby(axis.versions, key=lambda version: version in seen):
        versions = list(run)
        if executed or len(versions) < LEAST_FOLDED:
            found += [Line(version) for version in versions]
        else:
            found.append(Line(f"{versions[0]} to {versions[-1]}", len(versions)))
    return found


def _cells(report: Report, arm: ArmResult) -> Callable[[tuple[str, str]], CellView]:
    """Return what makes the view of a pair of an arm from its releases in the order of the axes."""
    links, roles = _links(report, arm), _roles(report, arm)
    rows = {row.version: row for row in arm.releases}

    def view(versions: tuple[str, str]) -> CellView:
        name = pair_name(report.axes, versions)
        row = rows.get(name)
        verdict = row.verdict if row else "untested"
        tip = f"{name}: {verdict}" + (f", {one_line(row.reason, 200)}" if row else "")
        link = (links.get(versions) or f"#{anchor('probe', arm.name, name)}") if row else ""
        return CellView(verdict, tip, link, roles.get(name, ""))

    return view


def _links(report: Report, arm: ArmResult) -> Mapping[tuple[str, ...], str]:
    """Return {pair: address} of the probe in the report of a run that executed it; the latest run counts."""
    found: dict[tuple[str, ...], str] = {}
    for part in report.parts:
        if arm.name not in part.answers:
            continue
        (versions,) = (axis.versions for axis in report.axes if axis.package == part.package)
        for version in versions[versions.index(part.first) : versions.index(part.last) + 1]:
            pair = in_order(report.axes, {part.package: version, part.held: part.held_version})
            found[tuple(pair)] = f"{part.folder}/index.html#{anchor('probe', arm.name, version)}"
    return found


def _roles(report: Report, arm: ArmResult) -> Mapping[str, str]:
    """Return {pair: `pair` or `side`}: the pair, and the sides of all changes."""
    found = {side: "side" for one in arm.boundaries if one.axis for side in (one.before, one.after)}
    if arm.grid and arm.grid.pair:
        found[pair_name(report.axes, in_order(report.axes, arm.grid.pair))] = "pair"
    return found
