"""Writes every file of a report into one folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.files import to_json, write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.report.evidence import ProbeEvidence
    from harness.report.model import Report


def write_report(
    folder: Path, report: Report, evidence: Mapping[str, ProbeEvidence], *, drawings: Path | None = None
) -> None:
    """Write report.json, junit.xml, summary.md, issue.md, badge.json, badges/, index.html and figures/*.svg, *.png.

    The same report and evidence give the same bytes. report.json comes first: what follows can be drawn again
    from it.

    Args:
        folder: Where to; it is made if it is missing.
        report: The facts.
        evidence: {digest of a probe: what it left behind}; a probe without evidence is drawn without curves.
        drawings: Where drawn figures are kept, so that none is drawn twice; None to keep none.
    """
    from harness.report.badge import badges  # noqa: PLC0415 - drawing libraries are slow to import
    from harness.report.cache import FigureCache  # noqa: PLC0415
    from harness.report.issue import issue  # noqa: PLC0415
    from harness.report.junit import junit  # noqa: PLC0415
    from harness.report.page import draw  # noqa: PLC0415
    from harness.report.summary import summary  # noqa: PLC0415

    write_atomic(folder / "report.json", to_json(report.to_dict()))
    write_atomic(folder / "junit.xml", junit(report))
    write_atomic(folder / "summary.md", summary(report))
    for name, content in badges(report).items():
        write_atomic(folder / name, to_json(content))
    text = issue(report, evidence)
    write_atomic(folder / "issue.md", text)
    cache = FigureCache(drawings)
    page, pictures = draw(report, evidence, issue=text, cache=cache)
    cache.trim()
    for picture in pictures:
        write_atomic(folder / "figures" / f"{picture.name}.svg", picture.svg)
        write_atomic(folder / "figures" / f"{picture.name}.png", picture.png)
    write_atomic(folder / "index.html", page)
