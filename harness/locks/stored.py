"""The locks of an earlier run, used again so that the run is repeated exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import HarnessError, UsageError
from harness.files import read_regular
from harness.locks.files import carries_sum, lock_content, lock_file
from harness.locks.lock import parse_lock
from harness.locks.resolve import Unresolvable
from harness.locks.torch import with_host_torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.locks.interpreter import Interpreter
    from harness.locks.lock import Lock
    from harness.locks.resolve import Resolver
    from harness.locks.torch import HostTorch
    from harness.releases.release import Release


def lock_text(lock: Lock | Unresolvable) -> str:
    """Return what a run keeps of a release: its lock as a file has it, or why there is none."""
    return f"# {lock.reason}\n" if isinstance(lock, Unresolvable) else lock_file(lock)


def lock_texts(
    reference: Lock, releases: Sequence[Release], locks: Mapping[int, Lock | Unresolvable]
) -> dict[str, str]:
    """Return {file name: text} of the reference and the lock of every release, or why there is none.

    It is what `StoredLocks` reads.

    Args:
        reference: What all environments share.
        releases: Oldest first.
        locks: By position; a release that nobody asked about has none.
    """
    texts = {"reference.txt": lock_file(reference)}
    for position, lock in locks.items():
        texts[f"{releases[position].version}.txt"] = lock_text(lock)
    return texts


def line_folder(package: str, first: str, last: str, held: str, version: str) -> str:
    """Return the name of the folder with the locks of a package's releases, the other one of two held at a release."""
    return f"{package}-{first}-to-{last}-with-{held}-{version}"


@dataclass(frozen=True, slots=True)
class StoredLocks:
    """Reads what a run kept in its `locks` folder, in place of a `Resolver`.

    Attributes:
        package: Canonical name of the package under test.
        folder: Holds `reference.txt` and a file a release.
        interpreter: Its Python and platform must be those that the locks were made for.
        host: The torch that stands in place of the one of the locks; None leaves them as they are.
        resolver: Resolves a release that the run had no need of, with the run's reference; None where nothing can be
            resolved, as from a bundle.
    """

    package: str
    folder: Path
    interpreter: Interpreter
    host: HostTorch | None = None
    resolver: Resolver | None = None

    def reference(self) -> Lock:
        """Return the lock that the run's environments shared.

        Raises:
            UsageError: It is not readable, or it was made for another Python or platform.
        """
        path = self.folder / "reference.txt"
        lock = self._read("reference")
        here = (self.interpreter.minor, self.interpreter.platform)
        if isinstance(lock, Unresolvable):
            raise UsageError(f"{path}: not a lock ({lock.reason})")
        if (lock.python, lock.platform) != here:
            raise UsageError(
                f"{path}: made for Python {lock.python} on {lock.platform}, and this is {here[0]} on {here[1]}; "
                "resolve anew, without --locks; a bundle is made for this machine by "
                f"--python-version {here[0]} --platform {here[1]}"
            )
        return lock

    def stored(self, version: str, _reference: Lock) -> Lock | Unresolvable | None:
        """Return what the run has of one release: its lock, or the reason for having none.

        Raises:
            HarnessError: It is damaged.
        """
        return self._read(version) if (self.folder / f"{version}.txt").exists() else None

    def lock(self, version: str, reference: Lock) -> Lock | Unresolvable:
        """Return the lock of one release, or why it has none.

        Raises:
            HarnessError: It is damaged, or the machine or the index failed.
        """
        stored = self.stored(version, reference)
        if stored is not None or self.resolver is None:
            return stored or self._read(version)
        return self.resolver.lock(version, reference)

    def _read(self, name: str) -> Lock | Unresolvable:
        path = self.folder / f"{name}.txt"
        if not path.exists():
            return Unresolvable(f"the earlier run has no lock of it ({path.name})")
        try:
            text = read_regular(path).decode("utf-8", "replace")
        except ValueError as error:
            raise HarnessError(f"{error}; --locks takes a run whose locks are whole") from None
        content = lock_content(text)
        if content is None and (carries_sum(text) or text.count("\n") != 1):
            raise HarnessError(
                f"{path}: damaged, it is no lock and no reason for having none; take another copy of that run, or resolve "
                "anew, without --locks"
            )
        if content is None:
            return Unresolvable(text.removeprefix("# ").strip())
        lock = parse_lock(content)
        return with_host_torch(lock, self.host) if self.host else lock
