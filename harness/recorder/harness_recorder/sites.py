"""Where a program is: the function of the package under test, or of the job, whose doing something is."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Tuple

OWN, INSIDE, LIBRARY, IMPORT, RECORDER = range(5)
"""Kinds of code: a function of the package or job; a comprehension in one; another library; what imports or starts; us."""
_INSIDE = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")


class Site:
    """One function of the package under test or of the job, and what is done on its account.

    Attributes:
        code: Its code; None for what no such function does.
        calls: How often it was called.
        python_calls: Calls of it and of functions of other libraries on its account.
        seconds: In it and in other libraries on its account.
        below: {name of a function of another library that it called: [calls, seconds]}.
        operations: {(operation of torch, line): [how many, seconds, allocations]}.
    """

    __slots__ = ("below", "calls", "code", "operations", "python_calls", "seconds")

    def __init__(self, code: Any) -> None:
        self.code = code
        self.calls = self.python_calls = 0
        self.seconds = 0.0
        self.below: Dict[str, List[float]] = {}
        self.operations: Dict[Tuple[str, int], List[float]] = {}


class Sites:
    """All sites of one process.

    Args:
        modules: Importable names of the package under test.
    """

    def __init__(self, modules: Dict[str, None]) -> None:
        self._modules = modules
        self._kinds: Dict[int, Tuple[int, Any]] = {}
        self._names: Dict[int, str] = {}
        self._sites: Dict[int, Site] = {}
        self.nowhere = Site(None)

    def kind(self, frame: Any) -> int:
        """Return which kind of code a frame executes."""
        code = frame.f_code
        known = self._kinds.get(id(code))
        if known is None:  # the code is kept, so that its id stays its own
            known = self._kinds[id(code)] = (self._kind(code, str(frame.f_globals.get("__name__", ""))), code)
        return known[0]

    def of(self, code: Any) -> Site:
        """Return the site of a function."""
        found = self._sites.get(id(code))
        if found is None:
            found = self._sites[id(code)] = Site(code)
        return found

    def all(self) -> List[Site]:
        """Return all sites, and what no site did."""
        return [*self._sites.values(), self.nowhere]

    def name(self, frame: Any) -> str:
        """Return what a function of another library is called."""
        code = frame.f_code
        if id(code) not in self._names:
            module = str(frame.f_globals.get("__name__", ""))
            self._names[id(code)] = "%s.%s" % (module, qualified(code)) if module else qualified(code)
            self._kinds.setdefault(id(code), (LIBRARY, code))
        return self._names[id(code)]

    def _kind(self, code: Any, module: str) -> int:
        top = module.partition(".")[0]
        if top == "harness_recorder":
            return RECORDER
        runs_script = os.path.basename(code.co_filename) == "harness_run.py"  # as `__main__`, like the script
        if code.co_filename.startswith("<frozen importlib") or runs_script:
            return IMPORT
        if (top in self._modules or module == "__main__") and not code.co_filename.startswith("<"):
            return INSIDE if code.co_name in _INSIDE else OWN
        return LIBRARY


def qualified(code: Any) -> str:
    """Return a function's name with its class, where Python tells it (3.11 and newer)."""
    return str(getattr(code, "co_qualname", code.co_name))


def native(function: Any) -> str:
    """Return what a function of C is called."""
    name = str(getattr(function, "__qualname__", "") or getattr(function, "__name__", "") or "?")
    module = getattr(function, "__module__", None)
    return name if not isinstance(module, str) or module == "builtins" else "%s.%s" % (module, name)
