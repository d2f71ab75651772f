"""The environments that a question about two environments leaves behind: as few as a repeated question needs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from harness.environments.environment import find, remove, size
from harness.locks.lock import parse_lock

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from harness.locks.lock import Lock

MOST_LEFT = 2_000_000_000
"""Bytes that stay."""
_AT_A_TIME = 8


def clear(
    root: Path, *, before: Collection[Path], ends: Iterable[Lock], others: Iterable[Lock], runs: Path
) -> int:
    """Remove the environments that were made; what was executed in them is stored, and their locks are kept.

    Those of mixtures and of the releases of culprits go. Both environments themselves go too if they are larger than
    `MOST_LEFT`: the report has the commands that make them by hand.

    Args:
        root: Holds all environments.
        before: Folders that were there before, which stay.
        ends: Locks of both environments.
        others: Locks of mixtures.
        runs: Folder of the runs about releases.

    Returns:
        Bytes of what stays of what was made.
    """
    kept = [place for place in _folders(root, ends) if place not in before]
    gone = [place for place in _folders(root, [*others, *_locks(runs)]) if place not in (*before, *kept)]
    standing = set(_bases(kept)) - set(before)
    unused = set(_bases(gone)) - set(before) - standing
    _remove([*gone, *sorted(unused)])
    left = sum(size(folder) for folder in {*kept, *standing})
    if left <= MOST_LEFT:
        return left
    _remove([*kept, *sorted(standing)])
    return 0


def _remove(folders: Collection[Path]) -> None:
    """Remove several environments at a time: a disk that discards what is freed lets each file wait for it."""
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        list(pool.map(remove, folders))


def _folders(root: Path, locks: Iterable[Lock]) -> list[Path]:
    folders = dict.fromkeys(root / lock.digest[:20] for lock in locks)
    return [folder for folder in folders if folder.is_dir()]


def _bases(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        found = find(folder)
        if found is not None and found.base != folder:
            yield found.base


def _locks(runs: Path) -> Iterator[Lock]:
    for path in sorted(runs.glob("*/locks/*.txt")):
        try:
            yield parse_lock(path.read_text(encoding="utf-8"))
        except ValueError:  # a note why there is no lock
            continue
