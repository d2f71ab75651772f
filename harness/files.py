"""Files are written whole or not at all, and JSON is strict: NaN and infinities are strings.

An unfinished folder is held by a lock of the operating system on the folder itself, which ends with its process: so the
next run knows what a killed one left behind, and removes it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import math
import os
import re
import shutil
import stat
import tempfile
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_TO_TEXT = {math.inf: "Infinity", -math.inf: "-Infinity"}
_TO_NUMBER = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def strict(value: Any) -> Any:
    """Return `value` with every non-finite float as the string "NaN", "Infinity" or "-Infinity"."""
    if isinstance(value, float) and not math.isfinite(value):
        return _TO_TEXT.get(value, "NaN")
    if isinstance(value, dict):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    return value


def number(value: float | str | None) -> float | None:
    """Read one number of a strict JSON document: the reverse of `strict` for a single value."""
    return _TO_NUMBER[value] if isinstance(value, str) else value


def to_json(value: Any, *, indent: int | None = 1, ascii_only: bool = False) -> str:
    """Return strict JSON text, the same bytes for the same value.

    Args:
        value: What the standard `json` module takes.
        indent: Spaces a level, or None for one line.
        ascii_only: Escape all else, so that a terminal shows it as it is and a program reads it as it was.
    """
    return json.dumps(strict(value), indent=indent, allow_nan=False, ensure_ascii=ascii_only) + "\n"


def read_regular(path: Path) -> bytes:
    """Return the bytes of a file; what is no plain file (a folder, a pipe that nobody writes) is never waited for.

    Raises:
        FileNotFoundError: There is nothing.
        ValueError: It is no plain file.
        OSError: It cannot be read.
    """
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.ENOTDIR}:
            raise ValueError(f"{path} is no plain file") from None
        raise
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise ValueError(f"{path} is no plain file")
    with os.fdopen(opened, "rb") as file:
        return file.read()


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        FileNotFoundError: There is nothing.
        ValueError: It is no plain file, no JSON, or nested deeper than anything that the harness writes.
        OSError: It cannot be read.
    """
    return parse_json(read_regular(path))


def parse_json(raw: str | bytes) -> Any:
    """Return the content of JSON text.

    Raises:
        ValueError: It is no JSON, or nested deeper than anything that the harness writes.
    """
    try:
        return json.loads(raw)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def write_atomic(path: Path, content: str | bytes, *, durable: bool = True) -> None:
    """Write `content` to `path` so that a reader sees the old file or the new one, never a part.

    Args:
        path: Where to; missing parent folders are made.
        content: Text is written as UTF-8 with unpaired surrogates replaced.
        durable: Wait until the disk has it, so that a machine that loses power keeps it. Among thousands of files that
            carry a sum, and can be made again, that is not worth the time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with temporary.open("wb") as handle:
            handle.write(raw)
            handle.flush()
            if durable:
                os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_cache(path: Path, content: str | bytes) -> None:
    """Write what can be made again, as `write_atomic`; a folder that has the file's name, which is damage, is renamed."""
    if path.is_dir() and not path.is_symlink():
        path.rename(path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.damaged"))
    write_atomic(path, content, durable=False)


@contextmanager
def whole_folder(target: Path, *, replace: Callable[[], bool] = lambda: False) -> Iterator[Path]:
    """Yield a new folder beside `target` that becomes `target` only when the block ends without an error.

    Args:
        target: Where to. If another process was first, its folder stays and the new one is removed.
        replace: Is asked at the end whether the new folder takes the place of one that is there.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.tmp")
    temporary.mkdir()
    held = _hold(temporary)
    try:
        yield temporary
        if target.is_dir() and replace():
            old = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.old")
            target.rename(old)
            temporary.rename(target)
            shutil.rmtree(old, ignore_errors=True)
            return
        try:
            temporary.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        os.close(held)


@contextmanager
def scratch_folder(name: str) -> Iterator[Path]:
    """Yield a new folder among the temporary files, and remove it afterwards.

    Args:
        name: What it is for, as a part of its own name.
    """
    folder, held = hold_scratch(name)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def hold_scratch(name: str) -> tuple[Path, int]:
    """Make a folder among the temporary files; return it and the file descriptor that holds it while it is open."""
    folder = Path(tempfile.mkdtemp(prefix=f"{_SCRATCH}{name}-"))
    return folder, _hold(folder)


_SCRATCH = "harness-held-"
_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{8}\.(?:tmp|old)")
_YOUNG = 10.0
"""Seconds within which an unfinished folder may not be held yet."""
_ABANDONED = 3600.0
"""Seconds after which nobody writes an unfinished file any more: it cannot be held."""


def clear_leftovers(places: Iterable[Path]) -> None:
    """Remove what killed runs left unfinished in some folders, and among the temporary files."""
    found = [
        path
        for place in places
        if place.is_dir()
        for path in place.iterdir()
        if _UNFINISHED.fullmatch(path.name)
    ]
    for path in (*found, *Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*")):
        with suppress(OSError):
            facts = path.lstat()
            age = time.time() - facts.st_mtime
            if facts.st_uid != os.getuid() or age < _YOUNG:
                continue
            if path.is_dir() and not path.is_symlink():
                os.close(_hold(path, wait=False))
                shutil.rmtree(path, ignore_errors=True)
            elif age > _ABANDONED:
                path.unlink()


def _hold(folder: Path, *, wait: bool = True) -> int:
    """Hold a folder until the returned file descriptor is closed, or the process ends.

    Raises:
        BlockingIOError: Another one holds it, and it is not waited for.
    """
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(held)
        raise
    except OSError:  # a file system without locks: nothing there is ever taken for left behind
        if not wait:
            os.close(held)
            raise
    return held


def take_name(place: Path, name: str) -> str:
    """Take a name in a folder for oneself, with a number behind it if it is taken: an empty folder says so.

    Of two processes that ask for the same name at the same moment, each gets one of its own.

    Args:
        place: The folder; it is made if it is missing.
        name: The name.
    """
    place.mkdir(parents=True, exist_ok=True)
    for count in range(1, 10_000):
        taken = f"{name}-{count}" if count > 1 else name
        with suppress(FileExistsError):
            (place / taken).mkdir()
            return taken
    raise FileExistsError(f"{place / name}: ten thousand folders have that name")


@contextmanager
def given_up(folder: Path) -> Iterator[None]:
    """Give a name that was taken up again if the block fails and nothing was put into its folder."""
    try:
        yield
    except BaseException:
        with suppress(OSError):
            folder.rmdir()  # which removes an empty folder alone
        raise


def check_writable(folder: Path) -> None:
    """Make a folder, and write a file into it that goes at once.

    Raises:
        OSError: That cannot be done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def put_aside(path: Path, root: Path, what: str, remedy: str) -> str:
    """Move a damaged file or folder into the folder `damaged` of the state directory; return a line that says so.

    Args:
        path: What is damaged; it may be gone by now.
        root: State directory.
        what: What it is, as `lock`.
        remedy: What happens in its place, as `resolved again`.
    """
    target = root / "damaged" / f"{path.name}.{uuid.uuid4().hex[:8]}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        path.rename(target)
    return f"the stored {what} {path} is damaged: it is kept as {target}, and {remedy}"
