"""Two toy packages whose loss depends on both: a table of verdicts becomes an index."""

from __future__ import annotations

from toyindex import DAYS, ToyIndex, wheel

FIRST, SECOND = "left", "right"
"""The package whose releases run along a row, and the one that has a release a row."""

_CODE = """
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
    index.add("judge", wheel("judge", "1.0", _CODE.format(table=table), uploaded=DAYS[0]))
    for b, row in enumerate(table):
        missing = tuple(f"left!={a + 1}.0" for a, letter in enumerate(row) if letter == "u")
        requires = ("judge", *missing)
        index.add(SECOND, wheel(SECOND, f"{b + 1}.0", "", requires=requires, uploaded=DAYS[b]))
    for a in range(len(table[0])):
        index.add(FIRST, wheel(FIRST, f"{a + 1}.0", "", requires=("judge",), uploaded=DAYS[a]))
