"""From the text of a scenario.toml to the scenario, or to everything that is wrong with it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from harness.keys import line_of
from harness.scenario.keys import ALSO, ARM, FIX, SCENARIO
from harness.scenario.rules import complaints
from harness.scenario.scenario import Arm, Fix, Range, Scenario
from harness.scenario.script import script_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.keys import Key


@dataclass(frozen=True, slots=True)
class Reading:
    """What one scenario.toml says.

    Attributes:
        path: The file.
        content: As it stands there; empty if it is no TOML.
        scenario: None if anything is wrong.
        complaints: All that is wrong, a line each, with the file before it.
    """

    path: Path
    content: Mapping[str, Any]
    scenario: Scenario | None
    complaints: tuple[str, ...] = ()


def read_scenario(folder: Path) -> Reading:
    """Read the scenario of a folder that has a scenario.toml."""
    path = folder / "scenario.toml"
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        return Reading(path, {}, None, (f"{shown(path)}: cannot be read ({error})",))
    except tomllib.TOMLDecodeError as error:
        return Reading(path, {}, None, (f"{shown(path)}: not valid TOML: {error}",))
    wrong = tuple(
        f"{one.file or _place(path, text, one.key)}: {one.said}" for one in complaints(content, folder)
    )
    return Reading(path, content, None if wrong else _scenario(content, folder), wrong)


def _place(path: Path, text: str, key: str) -> str:
    line = line_of(text, key)
    return f"{shown(path)}:{line}" if line else shown(path)


def shown(path: Path) -> str:
    """Return a path as it is seen from the working folder."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def given(table: Mapping[str, Any], keys: Mapping[str, Key]) -> dict[str, Any]:
    """Return the values of all keys: those in a table, else the defaults."""
    return {name: table.get(name, key.default) for name, key in keys.items()}


def _scenario(content: Mapping[str, Any], folder: Path) -> Scenario:
    """Build the scenario of a content in which nothing is wrong."""
    said = given(content, SCENARIO)
    command = tuple(said["command"] or ())
    return Scenario(
        name=folder.name,
        folder=folder,
        package=canonicalize_name(said["package"]),
        job=script_of(command, folder) if command else folder / said["job"],
        pins=tuple(said["pins"]),
        arms={name: _arm(name, table, said["parameters"]) for name, table in said["arms"].items()},
        oracle={**({"exit_status": True} if command else {}), **said["oracle"]},
        description=said["description"],
        first=said["from"],
        last=said["to"],
        also=_also(said["also"]),
        python=said["python"],
        timeout=float(said["timeout"]),
        threads=said["threads"],
        seed=said["seed"],
        parameters=dict(said["parameters"]),
        fixes=tuple(_fix(name, table) for name, table in said["fixes"].items()),
        command=command,
        online=said["online"],
        variables=dict(said["variables"]),
        probes_per_gpu=said["probes_per_gpu"],
        statistics_every=said["statistics_every"],
        ranks=said["ranks"],
        hang_after=float(said["hang_after"]),
    )


def _also(table: Mapping[str, Any] | None) -> Range | None:
    if table is None:
        return None
    said = given(table, ALSO)
    return Range(canonicalize_name(said["package"]), said["from"], said["to"])


def _arm(name: str, table: Mapping[str, Any], common: Mapping[str, Any]) -> Arm:
    said = given(table, ARM)
    settings = {key: value for key, value in table.items() if key not in ARM}
    return Arm(
        name, {**common, **settings}, said["default"], said["seeds"], said["fixes"], ranks=said["ranks"]
    )


def _fix(name: str, table: Mapping[str, Any]) -> Fix:
    said = given(table, FIX)
    return Fix(
        name=name,
        settings=dict(said["set"] or {}),
        description=said["description"],
        last_good=said["release"] is not None,
        by=said["by"],
        arms=tuple(said["arms"] or ()),
    )
