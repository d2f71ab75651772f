"""Puts into the wheel what an installed harness needs from beside its package: the recorder and the built-in scenarios.

The recorder stands at the top level as well, for jobs that run by themselves. A probe takes the copy inside `harness`, beside what starts it. An installation that can be edited has no second copy,
which would grow old: it finds the first one by a path (`dev-mode-dirs`).
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BesideHook(BuildHookInterface[Any]):
    """Adds both to a wheel that is not editable."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Say what is put where."""
        if version == "standard":
            build_data["force_include"] |= {
                "harness/recorder/harness_recorder": "harness_recorder",
                # The golden cases stay in the repository.
                "scenarios/llama_seq_cls": "harness/scenarios/llama_seq_cls",
                "scenarios/llama_float8": "harness/scenarios/llama_float8",
                "scenarios/selftest": "harness/scenarios/selftest",
            }
