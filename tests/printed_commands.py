"""The commands that a run prints, executed as printed: what they ask for is stored, so nothing is executed."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

EXIT = {"good": 0, "bad": 1, "skip": 125}


def executed() -> set[Path]:
    """Return every stored result."""
    return set(Path(os.environ["HARNESS_HOME"]).glob("probes/*/*/probe.json"))


def report(folder: str = "reports/latest") -> dict:
    return json.loads((Path(folder) / "report.json").read_text(encoding="utf-8"))


def rows(found: dict) -> list[dict]:
    return [row for arm in found["arms"] for row in arm["releases"]]


def run_as_printed(command: str, harness):
    program, module, name, *words = shlex.split(command)
    assert (program, module, name) == ("python", "-m", "harness")
    return harness(*words)


def check(found: dict, harness) -> None:
    """Execute the command of some releases and of the whole, as printed; nothing may be executed."""
    chosen = {row["verdict"]: row for row in rows(found) if row["probe"]}
    before = executed()
    for row in chosen.values():
        done = run_as_printed(row["command"], harness)
        assert done.returncode == EXIT[row["verdict"]], f"{row['command']}\n{done.stdout}{done.stderr}"
        assert executed() == before, f"executed anew: {row['command']}"
    done = run_as_printed(found["command"], harness)
    assert done.returncode in (0, 3), done.stderr
    assert executed() == before, f"executed anew: {found['command']}"
