"""Counts that repeat exactly where seconds do not: calls of Python functions, operations of torch, and their allocations.

The harness asks for them with the instruction `counts` (names). At the script's end each is a `record` event:

| count | is |
|-------|----|
| `python_calls` | calls of Python functions, those of the import system and of the recorder left out |
| `operations` | operations that torch dispatches in the first thread: forward, backward and optimizer |
| `allocations` | new storages of tensors that these operations give |

A count that could not be kept to the end, since the job sets a profile of its own, is not recorded; neither are the counts
of torch in a job that does not import it.
"""

from __future__ import annotations

from typing import Any, Dict, List

from .host_profile import HostProfile
from .imports import when_imported
from .lines import Lines
from .ranks import trace_path
from .sites import Sites

OF_TORCH = ("operations", "allocations")


class Counts:
    """Counts from `start` to `tell`.

    Args:
        names: Which counts.
        package: The distribution under test.
    """

    def __init__(self, names: List[str], package: str) -> None:
        self._names = names
        self._package = package
        self._calls = HostProfile(Sites({}))
        self._mode: Any = None
        self._torch = dict.fromkeys(OF_TORCH, 0)

    def start(self) -> None:
        """Count from now on."""
        if set(self._names).intersection(OF_TORCH):
            when_imported("torch", self._follow)
        if "python_calls" in self._names:
            self._calls.start()

    def tell(self) -> None:
        """End, and write what was counted."""
        found: Dict[str, int] = {}
        if "python_calls" in self._names:
            self._calls.stop()
            if not self._calls.damaged:
                found["python_calls"] = sum(site.python_calls for site in self._calls.sites.all())
        if self._mode is not None:
            self._mode.__exit__(None, None, None)
            found.update({name: count for name, count in self._torch.items() if name in self._names})
        lines = Lines(trace_path())
        for name, count in found.items():
            lines.write("record", name=name, value=count)
        lines.close()

    def _follow(self, _torch: Any) -> None:
        from .dispatched import Dispatched

        self._mode = Dispatched(self._package, self._take, timed=False)
        self._mode.begin()

    def _take(self, _place: Any, _name: str, _seconds: float, made: List[Any]) -> None:
        self._torch["operations"] += 1
        self._torch["allocations"] += len(made)
