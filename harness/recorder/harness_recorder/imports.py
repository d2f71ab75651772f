"""Calls a function as soon as a module has been imported, whoever imports it: a script loads torch when it likes."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any, Callable


def when_imported(name: str, call: Callable[[], None]) -> None:
    """Call a function once the module is there, at once if it is there already.

    Args:
        name: Of a module that is no part of another one.
        call: Takes nothing.
    """
    if name in sys.modules:
        call()
    else:
        sys.meta_path.insert(0, _Finder(name, call))


class _Finder:
    """Finds one module as all others would, and calls a function behind its code."""

    def __init__(self, name: str, call: Callable[[], None]) -> None:
        self._name, self._call = name, call

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ARG002 - importlib's signature
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute, call = spec.loader.exec_module, self._call

        def executed(module: Any) -> None:
            execute(module)
            call()

        spec.loader.exec_module = executed  # type: ignore[method-assign]
        return spec
