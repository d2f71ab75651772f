"""The exact files of locks: for each package the wheel that fits the target best, found by its hash and checked."""

from __future__ import annotations

import hashlib
import re
import sysconfig
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.tags import compatible_tags, cpython_tags, platform_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from harness.errors import HarnessError, UsageError
from harness.releases.index import TIMEOUT, list_files, local_path, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from harness.locks.lock import Pinned
    from harness.releases.release import File
    from harness.releases.settings import IndexSettings
    from harness.state import State

GLIBC = 28
"""Minor version of the C library (2.28) that another Linux machine is taken to have at least."""

_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_CHUNK = 1 << 20
_AT_A_TIME = 8


@dataclass(frozen=True, slots=True)
class Target:
    """The machine that a bundle is for.

    Attributes:
        python: Major and minor version.
        platform: As `sysconfig.get_platform()`.
        options: For uv's resolver; none if it is a machine like this one.
    """

    python: str
    platform: str
    options: tuple[str, ...] = ()

    @classmethod
    def other(cls, python: str, platform: str) -> Target:
        """Return another machine than this one.

        Raises:
            UsageError: No Python version, or a platform that is not known.
        """
        if not re.fullmatch(r"3\.\d+", python):
            raise UsageError(f"--python-version {python}: expected a version as 3.11")
        known = re.fullmatch(r"linux-(x86_64|aarch64)", platform)
        if platform == sysconfig.get_platform() and not known:
            return cls(python, platform, ("--python-version", python))
        if known is None:
            raise UsageError(f"--platform {platform}: expected linux-x86_64 or linux-aarch64, or none")
        named = f"{known[1]}-manylinux_2_{GLIBC}"
        return cls(python, platform, ("--python-version", python, "--python-platform", named))

    def ranks(self) -> dict[str, int]:
        """Return {tag: rank}, the best first, of the wheels that the target can install."""
        version = tuple(int(part) for part in self.python.split("."))
        name = f"cp{version[0]}{version[1]}"
        places = list(platform_tags()) if not self.options else self._places()
        tags = [
            *cpython_tags(version, abis=[name], platforms=places),
            *compatible_tags(version, interpreter=name, platforms=places),
        ]
        return {str(tag): rank for rank, tag in enumerate(tags)}

    def _places(self) -> list[str]:
        system, _, machine = self.platform.partition("-")
        if system != "linux":
            return list(platform_tags())
        places = []
        for minor in range(GLIBC, 4, -1):
            places += [f"manylinux_2_{minor}_{machine}"]
            places += [f"{_LEGACY[minor]}_{machine}"] if minor in _LEGACY else []
        return [*places, f"linux_{machine}"]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file of a lock, here.

    Attributes:
        package: What it is of.
        path: Where it lies; its name is the index's.
        sha256: Of its content, in hex.
        fits: It is a wheel that the target installs; else a source distribution, which it has to build.
    """

    package: Pinned
    path: Path
    sha256: str
    fits: bool


def fetch(
    packages: Collection[Pinned], target: Target, settings: IndexSettings, state: State
) -> tuple[list[Fetched], list[Pinned]]:
    """Fetch a file for each package; what was fetched before is taken from the state directory.

    Returns:
        The files, and the packages of which no source has a file that its lock names.

    Raises:
        HarnessError: The index is out of reach, or gives another file than it lists.
    """
    ranks = target.ranks()
    names = sorted({package.name for package in packages})
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        listed = dict(zip(names, pool.map(lambda name: list_files(name, settings), names), strict=True))
        chosen = {package: _best(package, listed[package.name], ranks) for package in packages}
        missing = [package for package, file in chosen.items() if file is None]
        there = [(package, file) for package, file in chosen.items() if file is not None]
        found = pool.map(lambda item: _fetched(item[0], item[1], ranks, settings, state), there)
        return sorted(found, key=lambda one: (one.package, one.path.name)), missing


def _best(package: Pinned, files: Collection[File], ranks: Mapping[str, int]) -> File | None:
    """Return the wheel that fits best, else a source distribution, else None."""
    wanted = {item.partition(":")[2] for item in package.hashes}
    known = [file for file in files if _digest(file, package) in wanted]
    wheels = [file for file in known if _rank(file, ranks) is not None]
    sources = [file for file in known if not file.name.endswith(".whl")]
    best = min(wheels, key=lambda file: (_rank(file, ranks), file.name), default=None)
    return best or next(iter(sources), None)


def _digest(file: File, package: Pinned) -> str:
    """Return the sha256 of a file; one in a folder is read, if its name is that of the release."""
    if file.sha256 or not file.url.startswith("file:") or package.version not in file.name:
        return file.sha256
    return _sha256(local_path(file.url))


def _rank(file: File, ranks: Mapping[str, int]) -> int | None:
    try:
        tags = parse_wheel_filename(file.name)[3]
    except InvalidWheelFilename:
        return None
    return min((ranks[str(tag)] for tag in tags if str(tag) in ranks), default=None)


def _fetched(
    package: Pinned, file: File, ranks: Mapping[str, int], settings: IndexSettings, state: State
) -> Fetched:
    fits = _rank(file, ranks) is not None
    if file.url.startswith("file:"):
        path = local_path(file.url)
        digest = _sha256(path)
    else:
        path = state.wheels / file.sha256[:16] / file.name
        digest = file.sha256
        if not path.exists():
            _download(file, path, settings)
    if file.sha256 and digest != file.sha256:
        raise HarnessError(f"{shown(file.url)} is not the file that its index lists (another sha256)")
    return Fetched(package, path, digest, fits)


def _download(file: File, path: Path, settings: IndexSettings) -> None:
    """Write a file whole or not at all."""
    import requests  # noqa: PLC0415 - 0.2 s

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}.tmp")
    digest = hashlib.sha256()
    verify = settings.certificates or True
    try:
        with (
            requests.get(file.url, stream=True, timeout=TIMEOUT, verify=verify) as answer,
            temporary.open("wb") as part,
        ):
            answer.raise_for_status()
            for chunk in answer.iter_content(_CHUNK):
                digest.update(chunk)
                part.write(chunk)
        if digest.hexdigest() != file.sha256:
            raise HarnessError(f"{shown(file.url)} is not the file that its index lists (another sha256)")
        temporary.replace(path)
    except requests.RequestException as error:
        raise HarnessError(
            f"{file.name} cannot be fetched ({type(error).__name__}); what is fetched so far is kept: "
            "run the same command again"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
