"""What is held at the moment when a job holds most, by the line that allocated it: objects of Python and values of tensors.

`tracemalloc` knows what Python, and libraries that tell it (numpy does), allocate. It knows nothing of torch, so storages of
tensors are followed from the operation that gives them to their end, where torch lets them be followed (torch 2.2 and newer).

On CUDA the peak is that of the tensors there, as the metric is: nothing else counts.

Two executions make a profile: the first one tells the peak; the second one is handed it (`peak`), and looks at what is held as
soon as nearly that much is, and again whenever it grew. What a line holds only while it is executed is seen as the peak
since the last call or return.
"""

from __future__ import annotations

import ast
import gc
import linecache
import os
import sys
import threading
import tracemalloc
import weakref
from typing import Any, Dict, List, Optional, Tuple

from .watchpoint import modules_of, relative

_DEPTH = 16  # frames kept of an allocation
_CLOSE = 0.9  # share of the peak from which on what is held is looked at: executions of one release differ a little
_MOST = 100  # lines that are told
_LOOKS = 16  # how often what is held is looked at, each time that it grew further
_FURTHER = 1.01

_RECORDER = os.path.dirname(os.path.abspath(__file__)) + os.sep
Place = Tuple[str, int]
"""Path of a file, and a line in it; an empty path where none of the package or the job is known."""


class MemoryProfile:
    """Profiles between `start` and `stop`.

    Args:
        asked: {`package`, `torch` (whether the job imports it), `device` (`cpu` or `cuda`), `peak` (bytes, or absent)}.
    """

    def __init__(self, asked: Dict[str, Any]) -> None:
        self._package = str(asked["package"])
        self._modules = modules_of(self._package)
        self._device = str(asked.get("device", "cpu"))
        self._asks_torch = bool(asked.get("torch"))
        self._wanted: Optional[float] = asked.get("peak")
        self._tensors: Dict[int, Tuple[int, Any]] = {}
        self._references: Dict[int, Any] = {}
        self._of_tensors = self._peak = self._seen = 0
        self._held: Dict[Place, List[int]] = {}
        self._looks = 0
        self._mode: Any = None
        self._resets = hasattr(tracemalloc, "reset_peak")  # Python 3.9

    def start(self) -> None:
        """Begin: what is held from here on counts. torch is loaded before, for to follow what it loads takes minutes."""
        if self._asks_torch:
            self._follow()
        if self._device != "cuda":
            tracemalloc.start(_DEPTH)
        threading.setprofile(self._event)
        sys.setprofile(self._event)

    def stop(self) -> Dict[str, Any]:
        """End; return the fields of the event."""
        damaged = sys.getprofile() != self._event
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
        self._look(None)
        tracemalloc.stop()
        if self._mode is not None:
            self._mode.__exit__(None, None, None)
        largest = sorted(self._held.items(), key=lambda item: sum(item[1]), reverse=True)[:_MOST]
        functions = _Functions()
        return {
            "peak": self._peak,
            "damaged": damaged,
            "tensors": self._mode is not None,
            "sites": [
                {
                    **functions.at(path, line),
                    "at": line,
                    "text": linecache.getline(path, line).strip() if path else "",
                    "held": held,
                    "passing": passing,
                }
                for (path, line), (held, passing) in largest
            ],
        }

    def _event(self, frame: Any, event: str, _argument: Any) -> None:
        self._look(frame.f_back if event == "call" else frame)

    def _look(self, frame: Any) -> None:
        """See how much is held, and was at most since the last look; where that is the peak, keep what is held."""
        now, peak = tracemalloc.get_traced_memory()
        total = max(now, peak) + self._of_tensors
        if total > self._peak:
            self._peak = total
            wanted = self._wanted is not None and total >= self._wanted * _CLOSE
            if wanted and self._looks < _LOOKS and total > self._seen * _FURTHER:
                self._looks, self._seen = self._looks + 1, total
                self._take(frame, max(now, peak) - now)
        if self._resets and self._device != "cuda":
            tracemalloc.reset_peak()

    def _take(self, frame: Any, passing: int) -> None:
        """Keep what is held by line, and what the line that is executed held besides."""
        gc.disable()
        try:
            roots = self._roots()
            held: Dict[Place, List[int]] = {}
            known: Dict[int, Place] = {}
            # Raw traces: (domain, size, lines with the innermost first, ...), equal lines one object. As objects of the
            # public interface, half a million of them (torch imported) would take minutes.
            traced = tracemalloc.is_tracing()
            raw = tracemalloc.take_snapshot().traces._traces if traced else ()  # type: ignore[attr-defined] # noqa: SLF001
            for _, size, lines, *_ in raw:
                place = known.get(id(lines))
                if place is None:
                    place = known[id(lines)] = _own(lines, roots)
                held.setdefault(place, [0, 0])[0] += size
            for size, line in self._tensors.values():
                held.setdefault(line or ("", 0), [0, 0])[0] += size  # of tensors
            if passing and frame is not None:
                stack = []
                while frame is not None:
                    stack.append((frame.f_code.co_filename, frame.f_lineno))
                    frame = frame.f_back
                held.setdefault(_own(stack, roots), [0, 0])[1] += passing
            self._held = held
        finally:
            gc.enable()

    def _roots(self) -> List[str]:
        """Return the files and folders of the package under test, and the job's file."""
        found = [os.path.abspath(sys.argv[0])]
        for name in self._modules:
            path = getattr(sys.modules.get(name), "__file__", None)
            if path:
                path = os.path.abspath(path)
                package = os.path.basename(path) == "__init__.py"
                found.append(os.path.dirname(path) + os.sep if package else path)
        return found

    def _follow(self) -> None:
        try:
            from .dispatched import Dispatched, lasting
        except ImportError:  # the job may do without it
            return
        if lasting():
            self._mode = Dispatched(self._package, self._allocated, timed=False)
            self._mode.begin()

    def _allocated(self, place: Any, _name: str, _seconds: float, made: List[Any]) -> None:
        code, line = place or (None, 0)
        for storage in made:
            if storage.device.type != self._device or storage._cdata in self._tensors:  # noqa: SLF001
                continue
            key, size = storage._cdata, storage.nbytes()  # noqa: SLF001
            self._tensors[key] = (size, (code.co_filename, line) if code else None)
            self._references[key] = weakref.ref(storage, lambda _, key=key: self._freed(key))  # type: ignore[misc]
            self._of_tensors += size
        if made:
            self._look(None)

    def _freed(self, key: int) -> None:
        self._references.pop(key, None)
        self._of_tensors -= self._tensors.pop(key, (0, None))[0]


def _own(lines: Any, roots: List[str]) -> Place:
    """Return the innermost line of some that lies in one of the files or folders.

    Args:
        lines: (path, line) of each, the innermost first.
        roots: Absolute; folders end in a separator.
    """
    for path, line in lines:
        if path.startswith(_RECORDER):
            break
        if any(path == root or (root.endswith(os.sep) and path.startswith(root)) for root in roots):
            return path, line
    return "", 0


class _Functions:
    """Finds the function that a line belongs to."""

    def __init__(self) -> None:
        self._spans: Dict[str, List[Tuple[int, int, str]]] = {}

    def at(self, path: str, line: int) -> Dict[str, Any]:
        """Return `file`, `line` (first of the function) and `function` of a line."""
        if not path:
            return {"file": "", "line": 0, "function": ""}
        if path not in self._spans:
            self._spans[path] = list(_spans(path))
        inside = [span for span in self._spans[path] if span[0] <= line <= span[1]]
        first, _, name = max(inside, default=(1, 0, "<module>"))
        return {"file": relative(path), "line": first, "function": name}


def _spans(path: str) -> Any:
    """Yield (first line, last line, name with its class) of every function of a file."""
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return
    waiting: List[Tuple[Any, str]] = [(tree, "")]
    while waiting:
        node, name = waiting.pop()
        for child in ast.iter_child_nodes(node):
            kind = (ast.FunctionDef, ast.AsyncFunctionDef)
            if isinstance(child, (*kind, ast.ClassDef)):
                own = "%s%s" % (name, child.name)
                if isinstance(child, kind):
                    decorated = [one.lineno for one in child.decorator_list]
                    yield min([child.lineno, *decorated]), child.end_lineno, own
                waiting.append((child, own + (".<locals>." if isinstance(child, kind) else ".")))
            else:
                waiting.append((child, name))
