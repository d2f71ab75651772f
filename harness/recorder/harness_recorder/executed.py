"""Records which lines of the package under test are executed, once each; asked for by the instruction `executed`."""

from __future__ import annotations

import sys
import threading
from typing import Any, Dict, Set

from .lines import Lines
from .ranks import trace_path
from .watchpoint import modules_of, relative


class Executed:
    """Takes every executed line of one distribution, in all threads that Python starts.

    Args:
        package: The distribution.
    """

    def __init__(self, package: str) -> None:
        self._modules = modules_of(package)
        self._lines: Dict[str, Set[int]] = {}

    def start(self) -> None:
        """Record from now on."""
        threading.settrace(self._called)
        sys.settrace(self._called)

    def tell(self) -> None:
        """End, and write the `executed` event: {file below site-packages: lines}."""
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        lines = Lines(trace_path())
        lines.write(
            "executed", files={relative(path): sorted(numbers) for path, numbers in self._lines.items()}
        )
        lines.close()

    def _called(self, frame: Any, _event: str, _argument: Any) -> Any:
        top = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if top not in self._modules:
            return None
        numbers = self._lines.setdefault(frame.f_code.co_filename, set())
        numbers.add(frame.f_lineno)

        def line(inner: Any, event: str, _argument: Any) -> Any:
            if event == "line":
                numbers.add(inner.f_lineno)
            return line

        return line
