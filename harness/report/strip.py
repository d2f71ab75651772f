"""The strip: every release of every arm as one cell, on a grid that a style sheet lays out.

Positions are those of columns, counted from 0. Along the releases: columns on a wide screen, rows on a narrow one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from harness.report.boundaries import bad_means
from harness.report.classes import census_keys, segments, trace_classes, trace_keys
from harness.report.curves import lines
from harness.report.flakiness import divided, executions
from harness.report.folding import Column, columns
from harness.report.text import anchor, one_line, seconds
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.report.evidence import ProbeEvidence
    from harness.report.model import ArmResult, ReleaseResult, Report


@dataclass(frozen=True, slots=True)
class Cell:
    """The releases of one column in one arm: `tip` is what hovering or focusing it says, a line a fact.

    `divided`: executions of the release disagree; `count`: how many releases these are.
    """

    position: int
    version: str
    verdict: str
    link: str
    tip: str
    divided: bool = False
    count: int = 1


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring releases with the same letter in a lane, or the room between two sides of a boundary.

    `colour` is that of the class in the curves, where it has one.
    """

    position: int
    length: int
    text: str
    kind: str
    colour: str = "--edge"


@dataclass(frozen=True, slots=True)
class Row:
    """One arm of the strip; `at`: {position: its cell}, `letters`: {lane: {position: what it says there}}."""

    name: str
    conclusion: str
    cells: list[Cell]
    lanes: dict[str, list[Stretch]]
    marks: list[Stretch]
    at: dict[int, Cell]
    letters: dict[str, dict[int, str]]


@dataclass(frozen=True, slots=True)
class Strip:
    """The whole: what each column is called, and on which day its first release appeared.

    `gaps` are the days from each column to the next, for spacing by date; `bad`: what the legend calls it; `folded`:
    how many releases share a column with others; `inferred`: whether any release is.
    """

    axis: list[str]
    dates: list[str]
    gaps: list[int]
    years: list[str]
    rows: list[Row]
    bad: str = "bad"
    folded: int = 0
    inferred: bool = False


def strip(report: Report, evidence: Mapping[str, ProbeEvidence]) -> Strip:
    """Gather the strip of a report."""
    axis = columns(report, evidence)
    uploaded = {item.version: day(item.uploaded) for arm in report.arms for item in arm.releases}
    dates = [uploaded.get(column.versions[0], "") for column in axis]
    return Strip(
        axis=[column.label for column in axis],
        dates=dates,
        gaps=_gaps(dates),
        years=[
            date[:4] if index == 0 or date[:4] != dates[index - 1][:4] else ""
            for index, date in enumerate(dates)
        ],
        rows=[_row(arm, axis, evidence) for arm in report.arms],
        bad=bad_means(report.arms),
        inferred=any(row.inferred for arm in report.arms for row in arm.releases),
        folded=sum(len(column.versions) for column in axis if len(column.versions) > 1),
    )


def day(uploaded: str | None) -> str:
    """Return the day of an ISO time, or nothing if it is none."""
    try:
        return datetime.fromisoformat(uploaded or "").date().isoformat()
    except ValueError:
        return ""


def _gaps(dates: list[str]) -> list[int]:
    """Return the days to the next release, at least 1; 30 after the last one, and 1 where a date is unknown."""
    days = [datetime.fromisoformat(date).toordinal() if date else None for date in dates]
    return [max(1, after - before) if before and after else 1 for before, after in pairwise(days)] + [30][
        : len(dates)
    ]


def _row(arm: ArmResult, axis: Sequence[Column], evidence: Mapping[str, ProbeEvidence]) -> Row:
    rows = {release.version: release for release in arm.releases}
    place = {version: position for position, column in enumerate(axis) for version in column.versions}
    traces, colours = _trace_lane(arm, evidence)
    censuses = segments(arm, "census", census_keys(arm, evidence))
    cells = []
    for position, column in enumerate(axis):
        release = rows.get(column.versions[0])
        if release is not None:
            tip = _tip(arm, release, traces.get(release.version), column)
            link = anchor("probe", arm.name, release.version)
            apart, count = divided(release), len(column.versions)
            cells.append(Cell(position, column.label, release.standing, link, tip, apart, count))
    lanes = {
        "trace": _stretches(traces, axis, "trace", colours),
        "census": _stretches(censuses, axis, "census", {}),
    }
    lanes = {name: lane for name, lane in lanes.items() if lane}
    return Row(
        arm.name,
        arm.conclusion,
        cells,
        lanes,
        _marks(arm, place),
        at={cell.position: cell for cell in cells},
        letters={
            name: {part.position + n: part.text for part in lane for n in range(part.length)}
            for name, lane in lanes.items()
        },
    )


def _trace_lane(
    arm: ArmResult, evidence: Mapping[str, ProbeEvidence]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return {version: letter} and {letter: colour}.

    Where the segments between boundaries are the classes of equal traces, letters and colours are those of the
    curves. Where traces differ within a segment, by noise, letters only say where the boundaries are.
    """
    keys = trace_keys(arm)
    letters = segments(arm, "trace", keys)
    pairs = {(letter, keys[version]) for version, letter in letters.items()}
    if not len(pairs) == len({letter for letter, _ in pairs}) == len({key for _, key in pairs}):
        return letters, {}
    names = {group.trace: group.name for group in trace_classes(arm)}
    colours = {line.group.name: line.colour for line in lines(arm, evidence)}
    return {version: names[keys[version]] for version in letters}, colours


def _tip(arm: ArmResult, release: ReleaseResult, letter: str | None, column: Column) -> str:
    if len(column.versions) > 1:
        said = f"{counted(len(column.versions), 'release')} · {one_line(arm.name, 40)} · {release.standing}"
        return "\n".join(
            filter(None, [one_line(column.label, 120), said, f"trace {letter}" if letter else ""])
        )
    rows = [
        f"{one_line(release.version, 60)} · {one_line(arm.name, 40)} · {release.standing}",
        one_line(release.reason, 240),
        "bad in {} of {} executions".format(*executions(release)) if divided(release) else "",
        " · ".join(
            f"{key} {value}" for key, value in (release.fingerprint or {}).items() if value is not None
        ),
        f"trace {letter}" if letter else "",
        " · ".join(f"{key} {seconds(value)}" for key, value in release.seconds.items() if value is not None),
        f"uploaded {day(release.uploaded)}{', yanked' if release.yanked else ''}" if release.uploaded else "",
    ]
    return "\n".join(row for row in rows if row)


def _stretches(
    letters: Mapping[str, str], axis: Sequence[Column], kind: str, colours: Mapping[str, str]
) -> list[Stretch]:
    found, position = [], 0
    for letter, run in groupby(letters.get(column.versions[0]) for column in axis):
        length = len(list(run))
        if letter is not None:
            found.append(Stretch(position, length, letter, kind, colours.get(letter, "--edge")))
        position += length
    return found


def _marks(arm: ArmResult, place: Mapping[str, int]) -> list[Stretch]:
    """Return verdict boundaries: a stretch of no length, or as long as what was skipped between the sides."""
    return [
        Stretch(
            place[item.before] + 1,
            place[item.after] - place[item.before] - 1,
            f"{item.after} {item.kind}",
            item.kind,
        )
        for item in arm.boundaries
        if item.signal == "verdict" and item.before in place and item.after in place
    ]
