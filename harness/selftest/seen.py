"""The table "seen on" of the documentation: the devices whose summaries were sent and kept, and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.markdown import md
from harness.selftest.summary import State, read_summary

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.selftest.summary import Summary

NOT_YET_SEEN = "not yet seen"
_VERSIONS = ("torch", "CUDA", "cuDNN", "driver")


def read_seen(folder: Path) -> list[Summary]:
    """Return the summaries of a folder, GPUs first, the newest first among alike.

    Raises:
        UsageError: A file is none.
    """
    found = sorted(map(read_summary, folder.glob("*.json")), key=lambda one: one.started, reverse=True)
    return sorted(found, key=lambda one: one.device == "cpu")


def seen_table(found: Sequence[Summary]) -> str:
    """Return the table as Markdown; without a summary of a GPU it says that none was seen."""
    rows = ["| device | date | versions | result |", "|---|---|---|---|"]
    if all(one.device == "cpu" for one in found):
        rows.append(f"| any GPU (CUDA) | | | **{NOT_YET_SEEN}** |")
    return "\n".join([*rows, *map(_row, found), ""])


def _row(one: Summary) -> str:
    where = "CPU" if one.device == "cpu" else "GPU"
    versions = [f"{name} {one.facts[name]}" for name in _VERSIONS if name in one.facts]
    versions.append(f"training-bisect {one.harness}")
    parts = [f"{one.count(State.PASSED)} steps passed"]
    if failed := [step.name for step in one.steps if step.state == State.FAILED]:
        parts.append(f"{len(failed)} failed: {'; '.join(failed)}")
    if left := [step.name for step in one.steps if step.state == State.NOT_APPLICABLE]:
        parts.append(f"{len(left)} not applicable: {'; '.join(left)}")
    if not one.finished:
        parts.append("it was ended before the last step")
    return f"| {where} {md(one.name)} | {one.started[:10]} | {md(', '.join(versions))} | {md('. '.join(parts), 900)} |"
