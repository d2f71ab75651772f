"""The environments' total size is capped: the least recently used go first."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any

from harness.environments.environment import MARKER, remove, size
from harness.files import read_json

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

RECENT = 3600.0
"""Seconds: an environment used within them may be in use by another run and is never removed."""


def evict(folder: Path, *, cap: int, keep: Collection[Path] = ()) -> list[Path]:
    """Remove least recently used environments until all of them together fit into `cap` bytes.

    Args:
        folder: Holds the environments.
        cap: Bytes.
        keep: Folders that stay whatever their size.

    Returns:
        What was removed. A base goes only when no layer stands on it.
    """
    _clear_leftovers(folder)
    found = {path.parent: path.stat().st_mtime for path in folder.glob(f"*/{MARKER}")}
    sizes = {path: _known_size(path) or size(path) for path in found}
    removed: list[Path] = []
    oldest_first = sorted(found, key=lambda path: (path.name.startswith("base-"), found[path]))
    for path in oldest_first:
        if sum(sizes.values()) <= cap:
            break
        if path in keep or abs(time.time() - found[path]) < RECENT or _carries(path, sizes):
            continue
        remove(path)
        del sizes[path]
        removed.append(path)
    return removed


def _known_size(folder: Path) -> int | None:
    """Return the size that a base was made with; a layer grows when its modules are first compiled."""
    facts = _facts(folder)
    return facts.get("size") if facts.get("base") is None else None


def _carries(base: Path, present: Collection[Path]) -> bool:
    return base.name in (_facts(path).get("base") for path in present)


def _facts(folder: Path) -> dict[str, Any]:
    """Return what a marker says; nothing if it is damaged, for then the folder is no environment."""
    try:
        facts = read_json(folder / MARKER)
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _clear_leftovers(folder: Path) -> None:
    """Remove what interrupted creations and removals left behind."""
    for path in folder.glob("*"):
        finished = (path / MARKER).exists() or not path.is_dir()
        if not finished and abs(time.time() - path.stat().st_mtime) > RECENT:
            shutil.rmtree(path, ignore_errors=True)
