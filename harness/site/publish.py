"""Writes the site. Every file is written whole; a file that is the same already is left alone; nothing is removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.files import to_json, write_atomic
from harness.report.badge import badge
from harness.report.model import facts_of
from harness.site.feed import feed
from harness.site.page import page
from harness.site.runs import find_runs
from harness.site.state import boundaries, states

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.site.runs import Run

COPIED = (
    *("index.html", "report.json", "summary.md", "issue.md", "junit.xml", "badge.json", "badges/*.json"),
    *("figures/*.svg", "figures/*.png"),
)
"""What the site takes of a run: the page, what machines read, the figures for slides; not the locks."""
COPIED_OF_TWO_PACKAGES = (*COPIED, "pair.json", *(f"runs/*/{pattern}" for pattern in COPIED))
"""What the site takes of an answer about two packages: of the runs beneath it what it takes of any."""


@dataclass(frozen=True, slots=True)
class Published:
    """What is in the site now.

    Attributes:
        runs, arms, boundaries: How many.
        faults: Why a run was left out, a line each.
    """

    runs: int
    arms: int
    boundaries: int
    faults: list[str]


def publish(reports: Path, target: Path, *, title: str, url: str = "") -> Published:
    """Write the site of all runs of `reports` and of those that `target` has already.

    Args:
        reports: Holds a folder a run.
        target: The site's folder; what it holds besides is left alone.
        title: Of the site.
        url: Where the site will be, for absolute addresses in the feed; empty for relative ones.

    Raises:
        UsageError: There is no run that can be shown.
    """
    url = f"{url.rstrip('/')}/" if url else ""
    found, faults = find_runs(reports, target / "runs")
    runs = [run for run in found if _can_be_shown(run, faults)]
    if not runs:
        left_out = "".join(f"\n  left out: {fault}" for fault in faults)
        raise UsageError(f"{reports}: no run to publish; make one with `python -m harness bisect`{left_out}")
    for run in runs:
        patterns = COPIED_OF_TWO_PACKAGES if run.report.axes else COPIED
        _copy(run.folder, target / "runs" / run.name, patterns)
    current, changes = states(runs), boundaries(runs)
    for state in current:
        _write(target / state.badge, to_json(badge(state.run.report, state.arm)))
    newest = max(run.started for run in runs)
    _write(target / "feed.xml", feed(changes, newest=newest, title=title, url=url))
    documented = (target / "docs" / "index.html").is_file()
    _write(target / "index.html", page(current, changes, runs, title=title, documented=documented))
    return Published(len(runs), len(current), len(changes), faults)


def _can_be_shown(run: Run, faults: list[str]) -> bool:
    """Tell whether a site of a run alone can be made; else say why not: one run must not keep all others away."""
    try:
        with facts_of(run.folder / "report.json"):
            changes = boundaries([run])
            page(states([run]), changes, [run], title="", documented=False)
            feed(changes, newest=run.started, title="", url="")
    except UsageError as error:
        faults.append(str(error))
        return False
    return True


def _copy(folder: Path, target: Path, patterns: Sequence[str]) -> None:
    for source in sorted(path for pattern in patterns for path in folder.glob(pattern)):
        if "latest" not in source.relative_to(folder).parts:
            _write(target / source.relative_to(folder), source.read_bytes())


def _write(path: Path, content: str | bytes) -> None:
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    if not path.is_file() or path.read_bytes() != raw:
        write_atomic(path, raw)
