"""Files are written whole or not at all, and JSON is strict: NaN and infinities are strings."""

from __future__ import annotations

import json
import math
import os
import shutil
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

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


def to_json(value: Any, *, indent: int | None = 1) -> str:
    """Return strict JSON text, the same bytes for the same value.

    Args:
        value: What the standard `json` module takes.
        indent: Spaces a level, or None for one line.
    """
    return json.dumps(strict(value), indent=indent, allow_nan=False, ensure_ascii=False) + "\n"


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
