"""Planted histories: an index of tiny wheels, a script, a question, and what is true of it.

A check is handed what the command line answered. It fails where the answer says something untrue, or leaves out what a
reader must know.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toyindex import ToyIndex, broken_sdist, wheel

if TYPE_CHECKING:
    from pathlib import Path

    from command_server import Commands

Packages = Mapping[str, Mapping[str, str | tuple[str, tuple[str, ...]] | None]]
"""{package: {version: its code, or code and requirements, or None for a release that cannot be built}}."""


@dataclass(frozen=True)
class Answer:
    """What the command line answered."""

    code: int
    stdout: str
    stderr: str
    report: dict
    summary: str

    @property
    def arm(self) -> dict:
        return self.report["arms"][0]

    @property
    def text(self) -> str:
        """Everything that a reader of terminal and summary sees."""
        return self.stdout + self.summary

    def boundaries(self, *, confirmed: bool = False) -> list[tuple[str, str]]:
        return [
            (one["before"], one["after"])
            for one in self.arm["boundaries"]
            if one["signal"] == "verdict" and (one["confirmed"] or not confirmed)
        ]


@dataclass(frozen=True)
class World:
    """A history, a question about the package `toy`, and the check of its answer."""

    packages: Packages
    script: str
    check: Callable[[Answer], None]
    options: tuple[str, ...] = field(default=())


def series(count: int, code: Callable[[int], str | tuple[str, tuple[str, ...]]]) -> dict:
    """Return releases 1.0, 1.1, … with the code that a function gives for their number."""
    return {f"1.{number}": code(number) for number in range(count)}


def serve(index: ToyIndex, packages: Packages) -> None:
    """Put the releases on an index, a day each."""
    day = 0
    for package, releases in packages.items():
        for version, content in releases.items():
            uploaded = f"2024-{day // 28 + 1:02d}-{day % 28 + 1:02d}T00:00:00Z"
            code, requires = content if isinstance(content, tuple) else (content, ())
            made = (
                broken_sdist(package, version, uploaded=uploaded)
                if code is None
                else wheel(package, version, code, requires, uploaded=uploaded)
            )
            index.add(package, made)
            day += 1


def ask(world: World, folder: Path, commands: Commands, **variables: str) -> Answer:
    """Put a world's question in a folder of its own, as a user would."""
    (folder / "repro.py").write_text(world.script, encoding="utf-8")
    with ToyIndex() as index:
        serve(index, world.packages)
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
        own |= {"PIP_CONFIG_FILE": os.devnull, "UV_DEFAULT_INDEX": index.url}
        own |= {"HARNESS_HOME": str(folder / "home"), "UV_CACHE_DIR": str(folder / "cache"), **variables}
        words = ["bisect", "--package", "toy", *world.options, "--", "python", "repro.py"]
        done = commands.run(words, cwd=folder, env=own)
    run = folder / "reports" / "latest"
    there = (run / "report.json").is_file()
    report = json.loads((run / "report.json").read_text(encoding="utf-8")) if there else {}
    summary = (run / "summary.md").read_text(encoding="utf-8") if there else ""
    return Answer(done.returncode, done.stdout, done.stderr, report, summary)
