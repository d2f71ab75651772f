"""index.html: one self-contained file that loads nothing, and says so in a content-security policy."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from harness.files import strict
from harness.report import curves, probes
from harness.report.answer import answers
from harness.report.blame_picture import path_picture
from harness.report.blame_rows import rebuilding, replaced, rows, support
from harness.report.boundaries import package_of, span
from harness.report.causes import not_sought
from harness.report.classes import Place, equal_traces, places
from harness.report.compiled import CompiledTemplates
from harness.report.effects import effects
from harness.report.fans import fans
from harness.report.figures import Picture, pictures
from harness.report.fixed import fixed
from harness.report.grid_page import grids, run_of
from harness.report.offers import offers
from harness.report.policies import compared
from harness.report.remedies import matrices, not_tried
from harness.report.render import environment
from harness.report.stages import stage_sentences
from harness.report.strip import day, strip
from harness.report.summary import headline
from harness.report.survival import lasting
from harness.report.text import anchor, arrows, clean, one_line
from harness.report.why import causes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.report.cache import FigureCache
    from harness.report.evidence import ProbeEvidence
    from harness.report.model import ArmResult, Report

HERE = Path(__file__).parent
MOST_PICTURES = 48
SCRIPTS = ("vendor/uplot/uPlot.iife.min.js", "templates/page.js", "templates/touch.js", "templates/curves.js")
STYLES = ("vendor/uplot/uPlot.min.css", "templates/page.css")
GRID_STYLE = "templates/grid.css"


@dataclass(frozen=True, slots=True)
class PlaceView:
    """A place of change with its figures.

    Attributes:
        package: The package that varies.
        between: Both sides, as a heading has them.
        run: Address of the place in the report of the run that found it, in a question about two packages.
        figures: {arm: its pictures}.
        identical: Arms in which both sides train identically, bit for bit.
        moves: Packages that differ between both sides' locks, as in `BoundaryResult`.
        moved: What the requirements of either side moved besides the package: [(release, [move])].
        locks: Digests of both sides' locks.
        commands: (arm, release, command) of both sides where a verdict changes.
        undrawn: Arms whose figures were left out to keep the page small.
    """

    id: str
    place: Place
    package: str
    between: str
    run: str
    dates: tuple[str, str]
    figures: dict[str, list[Picture]]
    identical: list[str]
    undrawn: list[str]
    moves: list[dict[str, str | None]]
    moved: list[tuple[str, list[str]]]
    locks: list[str]
    commands: list[tuple[str, str, str]]


def draw(
    report: Report, evidence: Mapping[str, ProbeEvidence], *, issue: str, cache: FigureCache
) -> tuple[str, list[Picture]]:
    """Return the text of index.html and all figures.

    Args:
        report: The facts.
        evidence: {digest of a probe: what it left behind}.
        issue: The text behind the button that copies an issue.
        cache: Has the figures that were drawn before.
    """
    views = _places(report, evidence, cache)
    data = curves.data(report, evidence)
    survival = lasting(report, cache)
    script = "\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    style = "\n".join((HERE / name).read_text(encoding="utf-8") for name in _styles(report))
    filler = environment()
    filler.bytecode_cache = CompiledTemplates(cache.folder) if cache.folder else None
    html = filler.get_template("index.html.j2").render(
        report=report,
        headline=one_line(headline(report)),
        answers=answers(report, evidence),
        stages=[arrows(said) for said in stage_sentences(report)],
        fixed=fixed(report),
        grids=grids(report),
        strip=None
        if report.axes or not any(arm.releases for arm in report.arms)
        else strip(report, evidence),
        equal=equal_traces(report),
        effects=effects(report),
        places=views,
        causes=causes(report),
        no_cause=not_sought(report),
        matrices=matrices(report, evidence),
        not_tried=not_tried(report),
        lasting=survival,
        curves=any(arm["classes"] for arm in data["arms"]),
        groups=probes.groups(report, evidence),
        offers=offers(report, report.run),
        policies=compared(report.policies),
        blame_rows=rows(report.blame) if report.blame else [],
        blame_support=support(report.blame) if report.blame else "",
        blame_replaced=replaced(report.blame) if report.blame else [],
        blame_path=path_picture(report.blame) if report.blame else None,
        blame_commands=rebuilding(report),
        blobs={
            "curve-data": _blob(data),
            "log-data": _blob(probes.logs(report, evidence)),
            "issue-data": _blob(clean(issue, len(issue))),
        },
        style=Markup(style),  # noqa: S704 - files of this package
        script=Markup(script),  # noqa: S704 - files of this package
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    drawn = [picture for view in views for found in view.figures.values() for picture in found]
    return html, [*drawn, *(one.picture for one in survival)]


def _styles(report: Report) -> list[str]:
    """Return the style sheets that a report's page needs."""
    return [*STYLES, *([GRID_STYLE] if report.axes else [])]


def _blob(value: Any) -> Markup:
    """Return JSON that can stand inside a script element."""
    text = json.dumps(strict(value), allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


def _places(report: Report, evidence: Mapping[str, ProbeEvidence], cache: FigureCache) -> list[PlaceView]:
    """Draw the places; those where a verdict changes have the first right to the room for figures."""
    found = places(report)
    drawn: dict[int, dict[str, list[Picture]]] = {}
    undrawn: dict[int, list[str]] = {}
    room = MOST_PICTURES
    for place in sorted(found, key=lambda item: not item.decisive):
        concerned = [arm for arm in report.arms if any(arm.name in entry.arms for entry in place.entries)]
        for arm in concerned:
            made = _drawn(report, place, arm, evidence, cache) if room > 0 else []
            room -= len(made)
            if made:
                drawn.setdefault(id(place), {})[arm.name] = made
            elif room <= 0:
                undrawn.setdefault(id(place), []).append(arm.name)
    return [_view(report, place, drawn.get(id(place), {}), undrawn.get(id(place), [])) for place in found]


def _drawn(
    report: Report, place: Place, arm: ArmResult, evidence: Mapping[str, ProbeEvidence], cache: FigureCache
) -> list[Picture]:
    package = "" if report.axes else report.package  # pairs name their packages
    return [
        *pictures(place, arm, evidence, package=package, cache=cache),
        *fans(place, arm, evidence, package=package, cache=cache),
    ]


def _view(report: Report, place: Place, figures: dict[str, list[Picture]], undrawn: list[str]) -> PlaceView:
    sides = {(arm.name, item.version): item for arm in report.arms for item in arm.releases}
    moves = report.environment.get("moves") or {}
    dates = {item.version: day(item.uploaded) for item in sides.values()}
    pairs = {
        arm.name: (sides.get((arm.name, place.before)), sides.get((arm.name, place.after)))
        for arm in report.arms
    }
    concerned = {arm for entry in place.entries for arm in entry.arms}
    identical = [
        name
        for name, (before, after) in pairs.items()
        if name in concerned and before and after and before.trace and before.trace == after.trace
    ]
    decisive = [arm for entry in place.entries if entry.boundary.signal == "verdict" for arm in entry.arms]
    commands = [
        (arm, side.version, side.command)
        for arm in decisive[:1]
        for side in pairs[arm]
        if side and side.command
    ]
    boundary = place.entries[0].boundary
    folder = run_of(report, boundary)
    axis = boundary.axis
    return PlaceView(
        id=anchor("at", place.before, place.after),
        place=place,
        package=package_of(boundary, report.package),
        between=span(boundary, "\N{RIGHTWARDS ARROW}"),
        run=f"{folder}/index.html#{anchor('at', axis.before, axis.after)}" if axis and folder else "",
        dates=(dates.get(place.before, ""), dates.get(place.after, "")),
        figures=figures,
        identical=identical,
        undrawn=undrawn,
        moves=next((entry.boundary.moves for entry in place.entries if entry.boundary.moves), []),
        locks=next(
            (
                [one.lock, other.lock]
                for one, other in pairs.values()
                if one and other and one.lock and other.lock
            ),
            [],
        ),
        moved=[(side, moves[side]) for side in (place.before, place.after) if moves.get(side)],
        commands=commands,
    )
