"""A lock pins every package of an environment with hashes; two locks are compared name by name."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_ENTRY = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?P<rest>(?:.*\\\n)*.*)$", re.MULTILINE
)
_HASH = re.compile(r"--hash=(\S+)")
_HEADER = re.compile(
    r"^# lock: policy (?P<policy>.+), Python (?P<python>\S+), (?P<platform>\S+)$", re.MULTILINE
)


@dataclass(frozen=True, slots=True, order=True)
class Pinned:
    """One package of a lock: canonical name, exact version, hashes of all its files (`sha256:…`)."""

    name: str
    version: str
    hashes: tuple[str, ...]

    def text(self) -> str:
        """Return it as a line of a requirements file."""
        return " \\\n    ".join([f"{self.name}=={self.version}", *(f"--hash={item}" for item in self.hashes)])


@dataclass(frozen=True)
class Lock:
    """All packages of one environment.

    Attributes:
        packages: Sorted by name.
        policy: `fixed` or `as-of DATE`.
        python: Major and minor version.
        platform: As `sysconfig.get_platform()`.
    """

    packages: tuple[Pinned, ...]
    policy: str
    python: str
    platform: str

    @cached_property
    def digest(self) -> str:
        """Digest of the content: equal digests mean equal environments."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    def text(self) -> str:
        """Return the lock as a requirements file with hashes, which pip and uv both install."""
        header = f"# lock: policy {self.policy}, Python {self.python}, {self.platform}\n"
        return header + "".join(f"{package.text()}\n" for package in self.packages)

    def versions(self) -> dict[str, str]:
        """Return {name: version}."""
        return {package.name: package.version for package in self.packages}

    def only(self, names: Collection[str]) -> Lock:
        """Return a lock of the same kind with the packages named."""
        kept = tuple(package for package in self.packages if package.name in names)
        return Lock(kept, self.policy, self.python, self.platform)

    def with_hashes(self, others: Mapping[str, str]) -> Lock:
        """Return a lock that takes further files for those it names, given as {SHA-256: SHA-256} in hex."""
        found = []
        for package in self.packages:
            more = [f"sha256:{others[item[7:]]}" for item in package.hashes if item[7:] in others]
            found.append(replace(package, hashes=(*package.hashes, *more)))
        return replace(self, packages=tuple(found))


def parse_packages(text: str) -> tuple[Pinned, ...]:
    """Read the packages of a requirements file with hashes."""
    found = []
    for match in _ENTRY.finditer(text):
        hashes = tuple(sorted(_HASH.findall(match["rest"])))
        found.append(Pinned(canonicalize_name(match["name"]), match["version"], hashes))
    return tuple(sorted(found))


def askers(text: str, package: str) -> list[str]:
    """Return what asks for a package, as uv notes it below each entry: names of packages and of files.

    Args:
        text: A requirements file with uv's annotations.
        package: Canonical name.
    """
    entry = re.search(rf"^{re.escape(package)}==.*(?:\n[ \t].*)*", text, re.MULTILINE)
    notes = re.findall(r"^\s*#\s*(?:via\b)?\s*(\S.*)$", entry[0] if entry else "", re.MULTILINE)
    return [note.rpartition("/")[2] for note in notes]


def parse_lock(text: str) -> Lock:
    """Read what `Lock.text` wrote.

    Raises:
        ValueError: The header is missing.
    """
    header = _HEADER.search(text)
    if header is None:
        raise ValueError("a lock begins with the line '# lock: policy …, Python …, …'")
    return Lock(parse_packages(text), header["policy"], header["python"], header["platform"])


@dataclass(frozen=True, slots=True)
class Move:
    """One package that differs between two locks; a version is None where the package is absent."""

    name: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        """Say it in one line."""
        if self.before == self.after:
            return f"{self.name} {self.before}: other files"
        return f"{self.name} {self.before or 'absent'} -> {self.after or 'absent'}"


def differences(before: Lock, after: Lock) -> list[Move]:
    """Return every package that differs between two locks, sorted by name; equal versions are other files."""
    old = {package.name: package for package in before.packages}
    new = {package.name: package for package in after.packages}
    return [
        Move(name, old[name].version if name in old else None, new[name].version if name in new else None)
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def moves(reference: Lock, lock: Lock, *, besides: str) -> list[str]:
    """Return what differs between two locks but for the package under test, a line each.

    Args:
        reference: What every environment holds.
        lock: What this one holds.
        besides: Canonical name of the package under test.
    """
    return [str(move) for move in differences(reference, lock) if move.name != besides]


def common(locks: Iterable[Lock]) -> set[str]:
    """Return the names of the packages that are the same, to the hash, in every lock."""
    shared: set[Pinned] | None = None
    for lock in locks:
        shared = set(lock.packages) if shared is None else shared & set(lock.packages)
    return {package.name for package in shared or ()}
