"""Stored runs, found by path or by name."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import UsageError


def find_run(name: str, out: str) -> Path:
    """Return the folder of a stored run, given by its path or by its name in the reports folder.

    Raises:
        UsageError: There is no run.
    """
    for folder in (Path(name), Path(out) / name):
        if (folder / "report.json").is_file():
            return folder.resolve()
        if (folder / "pair.json").is_file():
            runs = ", ".join(
                str(path.parent) for path in sorted(folder.resolve().glob("runs/[0-9]*/report.json"))
            )
            raise UsageError(
                f"{folder}: a question about two packages; name one of its runs: {runs or 'none'}"
            )
    known = sorted(path.parent.name for path in Path(out).glob("*/report.json"))
    raise UsageError(
        f"no run {name!r}: expected a folder with a report.json; in {out}{os.sep}: {', '.join(known) or 'none'}"
    )
