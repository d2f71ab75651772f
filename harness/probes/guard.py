"""Looks after the environments of a run: what a job changed in them is seen, told, and made anew.

A job may write into the environment that it runs in, and so change what later jobs do. All environments that were used
are looked at when nothing runs; where something has changed, every result that was stored after the change is forgotten,
the environment is made anew, and from then on (`careful`) one probe runs at a time with a look after each, so that the
job that does it is known and concerns its own release alone.
"""

from __future__ import annotations

import math
import os
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from harness.environments.environment import MARKER, find, remove
from harness.environments.integrity import changes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from harness.environments.environment import Environment, Environments
    from harness.environments.integrity import Change
    from harness.probes.probe import Probe
    from harness.probes.store import Store

_MARK = "unverified-"
"""A file of this name, with the id of a process, is in a base in which jobs have run that nobody has looked at since."""
_SLACK = 1.0
"""Seconds by which a result may be older than a change and still be doubted: file systems keep coarse times."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What was changed in one environment.

    Attributes:
        folder: The environment, or the base.
        shared: It is a base.
        changes: Its files.
    """

    folder: Path
    shared: bool
    changes: tuple[Change, ...]

    @property
    def since(self) -> float:
        """When the first change was made, in seconds since the epoch."""
        return min(change.since for change in self.changes)

    def __str__(self) -> str:
        """Name the files."""
        first, *more = self.changes
        site = first.path.partition("site-packages" + os.sep)[2] or first.path
        what = f"{site} ({first.kind}{f', and {len(more)} more' if more else ''})"
        return f"{what} of {'the packages that all environments share' if self.shared else 'its environment'}"


class Guard:
    """Looks after the environments that one run uses.

    Args:
        environments: Knows which were used, and makes them anew.
        store: What is doubted is removed from it.

    Attributes:
        notes: What a reader of the report must know.
        careful: A change was seen: one probe at a time from now on, and a look after each.
    """

    def __init__(self, environments: Environments, store: Store) -> None:
        self.notes: list[str] = []
        self.careful = False
        self._environments = environments
        self._store = store
        self._lock = threading.RLock()
        self._marked: set[Path] = set()
        self._seen: dict[Path, tuple[int, float]] = {}

    @contextmanager
    def watching(self, probe: Probe, package: str) -> Iterator[None]:
        """Surround the execution of a probe.

        Args:
            probe: Knows its release.
            package: Canonical name of the package under test.
        """
        alone: AbstractContextManager[object] = self._lock if self.careful else nullcontext()
        with alone:
            yield
            if self.careful:
                for damage in self._damages():
                    note = f"the job with {package} {probe.packages.get(package)} changed {damage}"
                    self.notes += [] if note in self.notes else [note]
                    self._remake(damage.folder)

    def mark(self, environment: Environment) -> None:
        """Note that jobs run in an environment, in its base too: should this run be killed, the next one looks."""
        with self._lock:
            for folder in {environment.folder, environment.base} - self._seen.keys():
                self._seen[folder] = (folder.stat().st_ino, time.time())
            if environment.base not in self._marked:
                (environment.base / f"{_MARK}{os.getpid()}").touch()
                self._marked.add(environment.base)

    def begin(self) -> None:
        """Look at the environments in which jobs have run that nobody has looked at since: their run was killed.

        What was changed is removed, with the results that came after the change; it is made again when it is needed.
        """
        root = self._environments.state.environments
        left = [mark for mark in root.glob(f"base-*/{_MARK}*") if not _runs(mark)]
        begun: dict[Path, float] = {}
        for mark in left:
            begun[mark.parent] = min(mark.stat().st_mtime, begun.get(mark.parent, math.inf))
        for base, first_use in begun.items():
            for folder in [*(path for path in _folders(root) if _stands_on(path, base)), base]:
                seen = tuple(changes(folder))
                if seen:
                    damage = Damage(folder, folder == base, seen)
                    gone = self._store.discard_since(
                        self._locks(folder), min(damage.since, first_use) - _SLACK
                    )
                    remove(folder)
                    self.notes.append(
                        f"a job of a run that was ended changed {damage}; it is made anew when it is needed, and "
                        f"{gone} results of that run are not used"
                    )
        for mark in left:
            mark.unlink(missing_ok=True)

    def repaired(self) -> bool:
        """Look at all environments that were used; return whether something had been changed, and is made anew.

        The results that came after the change are gone from the store then.

        Raises:
            HarnessError: An environment cannot be made anew.
        """
        with self._lock:
            if not self._marked:
                return False
            replaced = self._replaced()
            damages = self._damages()
            for damage in damages:
                self._repair(damage)
            for base in self._marked:
                (base / f"{_MARK}{os.getpid()}").unlink(missing_ok=True)
            self._marked.clear()
            self._seen.clear()
            self.careful = self.careful or bool(damages)
            return bool(damages) or replaced

    def _replaced(self) -> bool:
        """Tell whether another run has made an environment anew that this one used: then it was changed before.

        What this run stored of it is forgotten, for nobody knows here when the change was.
        """
        found = False
        for folder, (inode, since) in self._seen.items():
            with suppress(FileNotFoundError):  # evicted meanwhile
                if folder.stat().st_ino != inode:
                    self._store.discard_since(self._locks(folder), since)
                    found = True
        if found:
            self.notes.append(
                "another run made an environment anew that this one used: its probes were executed again"
            )
        return found

    def _damages(self) -> list[Damage]:
        found = []
        environments = self._environments
        for folder in [*environments.bases, *environments.layers]:
            with suppress(FileNotFoundError):  # evicted meanwhile: it will be made anew if it is needed
                seen = tuple(changes(folder))
                if seen:
                    found.append(Damage(folder, folder in environments.bases, seen))
        return found

    def _repair(self, damage: Damage) -> None:
        # A file keeps the time of its last change alone. An earlier one may lie anywhere since the last look.
        _, first_use = self._seen.get(damage.folder, (0, damage.since))
        since = min(damage.since, first_use) - _SLACK
        gone = self._store.discard_since(self._locks(damage.folder), since)
        self._remake(damage.folder)
        self.notes.append(
            f"a job changed {damage}; the environment was made anew, and {gone} results since the last look at it "
            "were executed again, one at a time with a look after each"
        )

    def _remake(self, folder: Path) -> None:
        self._environments.remake(folder)
        if folder in self._seen:
            self._seen[folder] = (folder.stat().st_ino, self._seen[folder][1])

    def _locks(self, folder: Path) -> set[str]:
        """Return the digests of the locks of all environments that a change in one folder concerns."""
        found = (find(path) for path in _folders(folder.parent))
        return {one.lock for one in found if one is not None and folder in {one.folder, one.base}}


def _runs(mark: Path) -> bool:
    """Tell whether the run that set a mark still goes on; it looks by itself at its end."""
    pid = mark.name.removeprefix(_MARK)
    return pid.isdecimal() and int(pid) != os.getpid() and psutil.pid_exists(int(pid))


def _folders(root: Path) -> list[Path]:
    return [path.parent for path in root.glob(f"*/{MARKER}")]


def _stands_on(folder: Path, base: Path) -> bool:
    environment = find(folder)
    return environment is not None and environment.base == base != folder
