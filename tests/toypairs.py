"""Two toy packages whose loss depends on both: a table of verdicts becomes an index."""

from __future__ import annotations

import json
from pathlib import Path

from toyindex import DAYS, ToyIndex, wheel

SCENARIO = """
description = "Two toy packages whose loss is planted"
package = "left"
python = ">=3.8"
timeout = 20
{also}
[arms.plain]
[arms.calm]
calm = true
default = false
[oracle]
kind = "training"
"""
JOB = """
import judge
from harness_recorder import Recorder, settings
config = settings({"calm": False, "seed": 0, "device": "cpu", "threads": 1})
with Recorder(settings=vars(config)) as recorder:
    recorder.begin()
    for step in range(1, 6):
        recorder.step(loss=1.0 / step if config.calm else judge.loss(step))
        if recorder.stopped:
            break
"""
SCRIPT = 'import judge\nassert judge.loss(3) == judge.loss(3), "the loss is NaN"\n'
BOTH = ("--package", "left", "--package", "right")
PAIR = ["gggg", "ggbb", "ggbb"]
"""Bad from left 3.0 with right 2.0 on: both are needed."""
REPAIRED = ["gggg", "gggg", "bbgg"]
"""right 3.0 breaks it, left 3.0 repairs that."""

FIRST, SECOND = "left", "right"
"""The package whose releases run along a row, and the one that has a release a row."""

CODE = """
from importlib.metadata import version
TABLE = {table!r}
def loss(step):
    a, b = (int(version(name).split(".")[0]) - 1 for name in ("left", "right"))
    if TABLE[b][a] == "h":
        __import__("time").sleep(600)
    if TABLE[b][a] == "w":
        return 2.0
    return float("nan") if TABLE[b][a] == "b" and step >= 3 else 1.0 / step
"""


def plant_pair(index: ToyIndex, table: list[str]) -> None:
    """Put a table on an index: g good, b bad, w finite but worse, h without end, u no lock has both releases.

    Args:
        index: Gets `left` 1.0, 2.0, ... for the columns, `right` 1.0, 2.0, ... for the rows, and `judge`, which both
            need and which tells the loss of a pair.
        table: A row for each release of `right`.
    """
    index.add("judge", wheel("judge", "1.0", CODE.format(table=table), uploaded=DAYS[0]))
    for b, row in enumerate(table):
        missing = tuple(f"left!={a + 1}.0" for a, letter in enumerate(row) if letter == "u")
        requires = ("judge", *missing)
        index.add(SECOND, wheel(SECOND, f"{b + 1}.0", "", requires=requires, uploaded=DAYS[b]))
    for a in range(len(table[0])):
        index.add(FIRST, wheel(FIRST, f"{a + 1}.0", "", requires=("judge",), uploaded=DAYS[a]))


def stored(folder: str = "reports/latest") -> dict:
    """Return a report.json, the newest one unless another folder is named."""
    return json.loads((Path(folder) / "report.json").read_text(encoding="utf-8"))
