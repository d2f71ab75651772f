"""The files of a night: summary.md, junit.xml, nightly.json; the headline first, everything else below it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from packaging.version import Version

from harness.files import to_json, write_atomic
from harness.nightly.boundaries import broken, since
from harness.nightly.story import KINDS, code, headline, ranked
from harness.report.markdown import md
from harness.report.text import clean, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.history.facts import Event, Line
    from harness.history.history import History
    from harness.nightly.config import Config

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one line stands after a night.

    Attributes:
        baseline: Version; None without one.
        newest, verdict: The newest release with a verdict.
        broken: The releases that broke it, as far as that is not over.
        waiting: Releases without a verdict that are tried again.
    """

    scenario: str
    package: str
    arm: str
    baseline: str | None
    newest: str | None
    verdict: str | None
    broken: list[str]
    waiting: list[str]

    @property
    def text(self) -> str:
        """Say it in one line."""
        if self.baseline is None:
            return "no baseline yet"
        said = f"baseline {self.baseline}"
        if self.newest:
            said += f", newest {self.newest} {self.verdict}"
        if self.broken:
            said += f", broken since {', '.join(self.broken)}"
        if self.waiting:
            said += f", waiting: {', '.join(self.waiting)}"
        return said


def standings(config: Config, history: History) -> list[Standing]:
    """Return where every watched line stands, in the order of nightly.toml."""
    return [
        _standing((watch.scenario.name, watch.package, arm.name), history)
        for watch in config.watches
        for arm in watch.arms
    ]


def _standing(line: Line, history: History) -> Standing:
    baseline, known = history.baseline(line), history.releases(line)
    tested = {one.version: one.verdict for one in known.values() if one.verdict in {"good", "bad"}}
    if baseline is not None:
        tested.setdefault(baseline.version, "good")
    newest = max(tested, key=Version, default=None)
    breaks = broken(history.boundaries(line))
    return Standing(
        *line,
        baseline=baseline.version if baseline else None,
        newest=newest,
        verdict=tested[newest] if newest else None,
        broken=[since(one) for one in breaks],
        waiting=sorted((one.version for one in known.values() if one.state == "waiting"), key=Version),
    )


def write_files(
    folder: Path, night: dict[str, Any], events: Sequence[Event], lines: Sequence[Standing]
) -> None:
    """Write the files of a night; nightly.json, which says that all is there, comes last.

    Args:
        folder: Where to.
        night: {`started`, `ended`, `host`} and whatever else nightly.json is to say of the night itself.
        events: What is told.
        lines: Where everything stands.
    """
    write_atomic(folder / "summary.md", summary(night, events, lines))
    write_atomic(folder / "junit.xml", junit(night, events, lines))
    content = {
        "schema": SCHEMA,
        "headline": headline(events),
        "code": code(events),
        **night,
        "events": [asdict(event) for event in events],
        "standing": [asdict(line) for line in lines],
    }
    write_atomic(folder / "nightly.json", to_json(content))


def summary(night: dict[str, Any], events: Sequence[Event], lines: Sequence[Standing]) -> str:
    """Return the text of summary.md."""
    rows = [f"# {md(headline(events), 600)}", ""]
    for event in ranked(events):
        where = f" ([report](../../{event.run}/index.html))" if event.run else ""
        rows.append(f"- **{event.kind}**: {md(event.text, 600)}{where}")
    rows += ["", "| scenario | package | arm | stands |", "|---|---|---|---|"]
    rows += [
        f"| {md(line.scenario, 60)} | {md(line.package, 60)} | {md(line.arm, 60)} | {md(line.text)} |"
        for line in lines
    ]
    return "\n".join(
        [*rows, "", f"Night of {night['started']}, ended {night['ended']}, on {night['host']}.", ""]
    )


def junit(night: dict[str, Any], events: Sequence[Event], lines: Sequence[Standing]) -> str:
    """Return the text of junit.xml: a test case an arm of a watch.

    A new regression is a failure, a fault an error, an inconclusive arm is skipped; all else has passed.
    """
    cases = [(line, _outcome(line, events)) for line in lines]
    counts: dict[str, Any] = {
        "tests": str(len(cases)),
        "failures": str(sum(kind == "regressed" for _, (kind, _) in cases)),
        "errors": str(sum(kind == "fault" for _, (kind, _) in cases)),
        "skipped": str(sum(kind == "inconclusive" for _, (kind, _) in cases)),
    }
    root = ET.Element("testsuites", name="training-bisect nightly", **counts)
    suite = ET.SubElement(root, "testsuite", name="nightly", timestamp=str(night["started"]), **counts)
    tags = {"regressed": "failure", "fault": "error", "inconclusive": "skipped"}
    for line, (kind, told) in cases:
        name = f"{one_line(line.package, 100)}: {one_line(line.arm, 100)}"
        case = ET.SubElement(suite, "testcase", classname=one_line(line.scenario, 200), name=name)
        if kind in tags:
            found = ET.SubElement(case, tags[kind], message=one_line(told[0]))
            found.text = clean("\n".join(told))
        ET.SubElement(case, "system-out").text = clean("\n".join([line.text, *told]))
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _outcome(line: Standing, events: Sequence[Event]) -> tuple[str, list[str]]:
    """Return the gravest kind that concerns a line, and all that is told of it, the gravest first."""
    mine = [
        event
        for event in ranked(events)
        if (event.scenario, event.package) == (line.scenario, line.package) and event.arm in {"", line.arm}
    ]
    return (mine[0].kind if mine else KINDS[-1]), [f"{event.kind}: {event.text}" for event in mine]
