"""Finding a scenario by its name or by the path of its folder."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.scenario.reader import read_scenario

if TYPE_CHECKING:
    from harness.scenario.scenario import Scenario

_PACKAGE = Path(__file__).resolve().parent.parent
BUILT_IN = next(
    (folder for folder in (_PACKAGE / "scenarios", _PACKAGE.parent / "scenarios") if folder.is_dir()),
    _PACKAGE / "scenarios",
)
"""Scenarios that come with the harness: an installed package has them inside, a checkout beside it."""


def load_scenario(name: str) -> Scenario:
    """Load a scenario by its name among the built-in ones, or by the path of its folder.

    Raises:
        UsageError: It does not exist, or its file says something that it may not; the message names every such key,
            its value and what is allowed.
    """
    reading = read_scenario(find_scenario(name))
    if reading.scenario is None:
        raise UsageError("\n".join(reading.complaints))
    return reading.scenario


def find_scenario(name: str) -> Path:
    """Return the folder of a scenario, given by its path, its scenario.toml's, or its name in `scenarios/`.

    Raises:
        UsageError: There is none; the message names those that there are.
    """
    given = Path(name)
    given = given.parent if given.name == "scenario.toml" else given
    for folder in (given, Path("scenarios") / name, BUILT_IN / name):
        if (folder / "scenario.toml").is_file():
            return folder.resolve()
    known = sorted(
        {path.parent.name for root in (Path("scenarios"), BUILT_IN) for path in root.glob("*/scenario.toml")}
    )
    if name.endswith(".py"):
        raise UsageError(
            f"there is no script {name!r} in {Path.cwd()}: give the path of a Python file, or of a scenario"
        )
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else "."
    raise UsageError(
        f"no scenario {name!r}{hint} Known: {', '.join(known) or 'none'}; or give the path of a folder with a scenario.toml"
    )
