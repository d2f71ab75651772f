"""What a plain script leaves in a trace without a recorder of its own: named values, and the error that ended it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from typing import Any, Dict, Iterator, List, Mapping, NoReturn, Optional

from .host import process_memory_peak
from .lines import Lines
from .ranks import trace_path

_LONGEST_MESSAGE = 2000
_OUT_OF_MEMORY = (
    "out of memory",  # of CUDA's and HIP's allocators, and of a CUDA call itself
    "not enough memory",
    "can't allocate memory",
    "bad_alloc",
    "ALLOC_FAILED",  # CUBLAS_STATUS_ and CUDNN_STATUS_
    "STATUS_NOT_INITIALIZED when calling `cublasCreate",  # how cuBLAS says that its workspace found no room
)
_MOST_FRAMES = 20
_LONGEST_LINE = 400
_INSTALLED = re.compile(r"/[^\s'\"():,]*/site-packages/")
_IMPORT_MACHINERY = "<frozen importlib"


def record(name: str, value: float) -> None:
    """Record one value under a name; again under the same name, and it becomes a series.

    Where no trace is written, `NAME=value` is printed, which the harness reads as well.

    Args:
        name: As `loss` or `tokens_per_second`.
        value: Whatever `float` takes.
    """
    path = trace_path()
    if not path:
        print("%s=%r" % (name, float(value)))
        return
    lines = Lines(path)
    lines.write("record", name=str(name), value=float(value))
    lines.close()


def output(name: str, value: Any) -> None:
    """Record a value that another release is expected to give as well, as `Recorder.output` does.

    Where no trace is written, nothing happens.
    """
    path = trace_path()
    if path:
        from .outputs import leaves

        lines = Lines(path)
        for leaf in leaves(str(name), value):
            lines.write("output", **leaf)
        lines.close()


def describe_error(error: BaseException) -> dict[str, Any]:
    """Return what is known of an exception.

    The keys are `exception` (class name), `message` (paths of installed files from below site-packages on, since it is the
    same in every environment then), `out_of_memory`, `importing`, `no_space`, `missing_file`,
    `raised_in`, `misused`, `cell`, `frames`.

    `importing` tells that a module could not be imported: an ImportError or SyntaxError, or whatever else was
    raised while a module was being imported; what caused the exception counts as well. `raised_in` is the installed
    package whose code lies deepest in the traceback; empty where there is none. `frames` are the frames of installed
    files, the deepest last: [{`package`, `file` (below site-packages), `line`, `function`, `text`}].
    """
    from .misuse import RecorderMisusedError  # of use for an error alone

    frames = _frames(error)
    name, message = type(error).__name__, str(error)
    return {
        "exception": name,
        "message": _INSTALLED.sub("", message)[:_LONGEST_MESSAGE],
        "out_of_memory": isinstance(error, MemoryError)
        or name == "OutOfMemoryError"
        or any(sign in message for sign in _OUT_OF_MEMORY),
        "importing": _importing(error),
        "no_space": _no_space(error),
        "missing_file": _missing_file(error),
        "raised_in": frames[-1]["package"] if frames else "",
        "misused": any(isinstance(one, RecorderMisusedError) for one in _with_causes(error)),
        "cell": _cell(error),
        "frames": frames[-_MOST_FRAMES:],
    }


def _with_causes(error: Optional[BaseException]) -> Iterator[BaseException]:
    """Yield an exception, then what it was raised from or while handling, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _no_space(error: BaseException) -> bool:
    """Tell whether a full disk or a used-up quota is what an exception, or what caused it, says."""
    return any(
        isinstance(one, OSError) and one.errno in (errno.ENOSPC, errno.EDQUOT) for one in _with_causes(error)
    )


def _missing_file(error: BaseException) -> str:
    """Return the absolute path of a file that is not there, as an exception or its cause names it."""
    for one in _with_causes(error):
        if isinstance(one, OSError) and one.errno == errno.ENOENT:
            path = one.filename if isinstance(one.filename, (str, os.PathLike)) else ""
            if path and os.path.isabs(path):
                return os.fspath(path)
    return ""


def _frames(error: BaseException) -> List[Dict[str, Any]]:
    """Return the frames of a traceback whose files are installed; a package by its module's name before Python 3.10."""
    import linecache  # slow to load, and of use for an error alone

    found, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        parts = os.path.normpath(code.co_filename).split(os.sep)
        if "site-packages" in parts[:-1]:
            own = parts[len(parts) - parts[::-1].index("site-packages") :]
            found.append(
                {
                    "package": os.path.splitext(own[0])[0],
                    "file": "/".join(own),
                    "line": trace.tb_lineno,
                    "function": code.co_name,
                    "text": linecache.getline(code.co_filename, trace.tb_lineno).strip()[:_LONGEST_LINE],
                }
            )
        trace = trace.tb_next
    owners = _owners() if found else {}
    for frame in found:
        frame["package"] = str((owners.get(frame["package"]) or [frame["package"]])[0])
    return found


def _cell(error: BaseException) -> Any:
    """Return the number of the code cell, from 1, that a script with `# %%` markers was in; None without markers."""
    import linecache

    script, line, trace = sys.argv[0], None, error.__traceback__
    while trace is not None and line is None:
        if trace.tb_frame.f_code.co_filename == script:
            line = trace.tb_lineno
        trace = trace.tb_next
    if line is None and isinstance(error, SyntaxError) and error.filename == script:
        line = error.lineno
    before = linecache.getlines(script)[: line or 0]
    cells = [
        text
        for text in before
        if text.startswith("# %%") and "[markdown]" not in text and "[raw]" not in text
    ]
    return len(cells) or None


def _owners() -> Mapping[str, List[str]]:
    """Return {module: distributions that bring it}."""
    from importlib import metadata  # slow, and of use for an error alone

    try:
        return metadata.packages_distributions()
    except Exception:  # absent before 3.10, and any package's metadata may be damaged
        return {}


def tell_error(error: BaseException) -> None:
    """Write the error that ended a script; one that a recorder has told already is not told again."""
    if not getattr(error, "_harness_told", False):
        lines = Lines(trace_path())
        lines.write("error", step=None, phase=None, **describe_error(error))
        lines.close()


def tell_memory() -> None:
    """Write the most bytes that this process and those that it waited for held, where that can be measured."""
    peak = process_memory_peak()
    if peak is not None:
        lines = Lines(trace_path())
        lines.write("memory", peak=peak)
        lines.close()


def tell_modules() -> None:
    """Write which files and folders of site-packages hold modules that are loaded at a script's end."""
    places = set()
    for module in list(sys.modules.values()):
        parts = os.path.normpath(str(getattr(module, "__file__", None) or "")).split(os.sep)
        if "site-packages" in parts[:-1]:
            last = len(parts) - 1 - parts[::-1].index("site-packages")
            places.add(parts[last + 1])
    lines = Lines(trace_path())
    lines.write("modules", places=sorted(places))
    lines.close()


def leave() -> NoReturn:
    """End the process at once, with what it printed: an exception could be caught, and the job would go on."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    tell_modules()
    tell_memory()
    os._exit(0)


def _importing(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, (ImportError, SyntaxError)):
            return True
        frame = error.__traceback__
        while frame is not None:
            if frame.tb_frame.f_code.co_filename.startswith(_IMPORT_MACHINERY):
                return True
            frame = frame.tb_next
        error = error.__cause__
    return False
