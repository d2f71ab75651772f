"""Reads one environment from whatever names it: a date, an interpreter, a run of ours, or a file of any format.

The format of a file is found by its content. A file that is none of the formats is refused with every format that
was tried and where each one failed.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.snapshots.interpreter import read_interpreter
from harness.snapshots.lists import read_conda_environment, read_conda_list, read_own_lock, read_pip_list
from harness.snapshots.locks import read_poetry_lock, read_pylock, read_uv_lock
from harness.snapshots.requirements import read_requirements
from harness.snapshots.snapshot import AsOf, Kind, Snapshot, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[str, str, str | None], Snapshot]

READERS: dict[Kind, Reader] = {
    Kind.OWN_LOCK: read_own_lock,
    Kind.PYLOCK: read_pylock,
    Kind.POETRY_LOCK: read_poetry_lock,
    Kind.UV_LOCK: read_uv_lock,
    Kind.PIP_LIST: read_pip_list,
    Kind.CONDA_LIST: read_conda_list,
    Kind.CONDA_ENVIRONMENT: read_conda_environment,
    Kind.REQUIREMENTS: read_requirements,
}
"""In the order in which they are tried: the ones whose content leaves no doubt come first."""

_DATE = re.compile(r"^\d{4}-\d{1,2}-\d{1,2}(?:[T ].*)?$")
_MOST_BYTES = 64 * 2**20


def read(name: str, *, python: str | None = None) -> Snapshot | AsOf:
    """Read an environment.

    Args:
        name: A date such as `2026-06-01`, a path to a file, to an interpreter, to a virtual environment, or to a
            folder of locks or a run of ours.
        python: Version of Python whose markers hold, `3.11`; of the one that runs by default.

    Raises:
        UsageError: It is none of these, or it is broken; the message says what, where and what to do next.
    """
    path = Path(name).expanduser()
    if not path.exists() and _DATE.match(name):
        return AsOf(_moment(name))
    if not path.exists():
        raise UsageError(
            f"{name} is no environment: no file has this path, and it is no date such as 2026-06-01"
        )
    try:
        interpreter = _interpreter(path)
        if interpreter is not None:
            return read_interpreter(interpreter)
    except UnreadableError as error:
        raise UsageError(f"{name}: {error}. Give the path of a Python 3.8 or newer") from None
    return read_text(_text(_file(path)), str(_file(path)), python=python)


def read_text(text: str, source: str, *, python: str | None = None) -> Snapshot:
    """Read the text of a file, whatever its format.

    Raises:
        UsageError: It is of none of the formats, or of one and broken.
    """
    if not text.strip():
        raise UsageError(f"{source} is empty: give a list of packages, such as `pip freeze` prints")
    failures = []
    for kind, reader in READERS.items():
        try:
            return reader(text, source, python)
        except UnreadableError as error:
            if error.certain:
                raise UsageError(f"{source}, read as {kind}: {error}") from None
            failures.append(f"  {kind}: {error}")
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            # A field that the format promises is missing, or holds another type: no reader checks each by hand.
            failures.append(
                f"  {kind}: its tables are not those of the format ({type(error).__name__}: {error})"
            )
    raise UsageError(
        "\n".join([f"{source} is none of the lists of packages that can be read. Tried:", *failures])
    )


def _moment(name: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(name)
    except ValueError:
        raise UsageError(f"{name} is no date: give year, month and day as in 2026-06-01") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _interpreter(path: Path) -> Path | None:
    """Return the interpreter that a path names, itself or the one of a virtual environment; None if it is none."""
    if path.is_dir():
        inside = (path / "bin" / "python", path / "Scripts" / "python.exe")
        return next((one for one in inside if one.exists()), None)
    named = path.name.lower().removesuffix(".exe")
    return path if named.startswith(("python", "pypy")) and os.access(path, os.X_OK) else None


def _file(path: Path) -> Path:
    """Return the file that a path names: itself, or the only lock of a folder."""
    if not path.is_dir():
        return path
    folder = path / "locks" if (path / "locks").is_dir() else path
    locks = sorted(one for one in folder.iterdir() if one.suffix in (".txt", ".lock") and one.is_file())
    if len(locks) == 1:
        return locks[0]
    if locks:
        named = ", ".join(one.name for one in locks[:8]) + (", …" if len(locks) > 8 else "")
        raise UsageError(f"{folder} holds {len(locks)} locks: give the path of one of them ({named})")
    raise UsageError(
        f"{path} is a folder without a Python, and holds no lock: give the path of a list of packages"
    )


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path} has more than {_MOST_BYTES >> 20} MiB: it is no list of packages")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text ({error.reason} at byte {error.start})") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
