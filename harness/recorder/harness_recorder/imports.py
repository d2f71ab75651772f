"""Calls a function as soon as a module has been imported, whoever imports it: a script loads torch when it likes."""

from __future__ import annotations

import sys
from typing import Any, Callable


def when_imported(name: str, call: Callable[[Any], None]) -> None:
    """Call a function with a module once that is there, at once if it is there already.

    Args:
        name: Full name of the module.
        call: Takes the module.
    """
    if name in sys.modules:
        call(sys.modules[name])
    else:
        sys.meta_path.insert(0, _Finder(name, call))


class _Finder:
    """Lets a module be found by those who know how, and calls a function behind its code.

    It has no base: `importlib.abc` loads two dozen modules, and every traced process would wait for them.
    """

    def __init__(self, name: str, call: Callable[[Any], None]) -> None:
        self._name, self._call = name, call

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        for finder in list(sys.meta_path):  # another one of this kind removes itself too
            spec = finder.find_spec(name, path, target) if hasattr(finder, "find_spec") else None
            if spec is not None and spec.loader is not None:
                spec.loader.exec_module = _both(spec.loader.exec_module, self._call)
                return spec
        return None


def _both(execute: Callable[[Any], None], call: Callable[[Any], None]) -> Callable[[Any], None]:
    def executed(module: Any) -> None:
        execute(module)
        call(module)

    return executed
