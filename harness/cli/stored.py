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
        if any((folder / facts).is_file() for facts in ("report.json", "pair.json")):
            return folder.resolve()
    known = sorted(path.parent.name for path in Path(out).glob("*/report.json"))
    raise UsageError(
        f"no run {name!r}: expected a folder with a report.json; in {out}{os.sep}: {', '.join(known) or 'none'}"
    )
