"""Puts the recorder at the top level of the wheel as well, for jobs that run by themselves.

A probe takes the copy inside `harness`, beside what starts it. An installation that can be edited has no second copy,
which would grow old: it finds the first one by a path (`dev-mode-dirs`).
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RecorderHook(BuildHookInterface[Any]):
    """Adds `harness_recorder` to a wheel that is not editable."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Say what is put where."""
        if version == "standard":
            build_data["force_include"]["harness/recorder/harness_recorder"] = "harness_recorder"
