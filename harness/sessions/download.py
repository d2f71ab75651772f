"""How much a run may download, told before it starts: who did not say yes to many gigabytes is asked to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from packaging.tags import platform_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from harness.errors import UsageError
from harness.files import read_json, to_json, write_cache
from harness.releases.index import list_files
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.locks.lock import Lock, Pinned
    from harness.releases.release import File, Release
    from harness.releases.settings import IndexSettings
    from harness.sessions.asked import Asked
    from harness.state import State

LOOKED_AT = 10**9
"""Bytes of the package under test from which what it requires is looked up too: an address for each package."""
LARGE = 5 * 10**9
"""Bytes from which a run wants a yes."""
_AT_A_TIME = 8


def check_download(
    asked: Asked,
    releases: Sequence[Release],
    locks: Sequence[Lock],
    settings: IndexSettings,
    state: State,
) -> str:
    """Return what the releases of a range may take to download, where that is much; else nothing.

    What uv has in its cache is counted too. A yes holds for as much of the package, in all further runs with this state.

    Args:
        asked: The question.
        releases: Its range.
        locks: Of some of them, which say what a release requires.
        settings: Where files are listed.
        state: Remembers what was agreed to.

    Raises:
        UsageError: It is much, and nobody said yes.
        IndexUnavailableError: An index gave no usable answer.
    """
    sizes = [size for release in releases if (size := wheel_size(release.files)) is not None]
    if sum(sizes) < LOOKED_AT or not asked.source.resolves:
        return ""
    each, once = _required(asked.package, locks, settings)
    total = sum(sizes) + len(releases) * each + once
    if total < LARGE:
        return ""
    said = (
        f"{len(releases)} releases of {asked.package} are {_gigabytes(sum(sizes))}, what each requires is up to "
        f"{_gigabytes(each)}, and what all share {_gigabytes(once)}: up to {_gigabytes(total)} to download if all are "
        f"executed; environments take {asked.place.environment_cap:g} GB at a time at most (--environment-cap)"
    )
    if len(sizes) < len(releases):
        said += f"; of {counted(len(releases) - len(sizes), 'release')} no size is known"
    agreed = _agreed(state)
    if agreed.get(asked.package, 0) < total:
        if not asked.place.yes:
            raise UsageError(f"{said}: name fewer with --from and --to, or go on with --yes")
        write_cache(state.agreed, to_json({**agreed, asked.package: total}))
    return said


def _required(package: str, locks: Sequence[Lock], settings: IndexSettings) -> tuple[int, int]:
    """Return the bytes that a release requires besides what all share, the largest of some, and those that all share."""
    wanted = [{one for one in lock.packages if one.name != package} for lock in locks]
    shared = set.intersection(*wanted) if wanted else set()
    names = sorted({one.name for one in set().union(*wanted)})
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        files = dict(zip(names, pool.map(lambda name: list_files(name, settings), names), strict=True))

    def size(packages: Iterable[Pinned]) -> int:
        return sum(_locked_size(one, files[one.name]) for one in packages)

    return max((size(one - shared) for one in wanted), default=0), size(shared)


def _locked_size(package: Pinned, files: Sequence[File]) -> int:
    """Return the bytes of a locked package's file; 0 if that is not told."""
    hashes = {item.partition(":")[2] for item in package.hashes}
    return wheel_size([file for file in files if file.sha256 in hashes]) or 0


def wheel_size(files: Sequence[File]) -> int | None:
    """Return the bytes of a release's largest file that this platform may take; None if that is not told.

    The wheels of a release for several Pythons are nearly alike in size.
    """
    wheels = [file for file in files if file.name.endswith(".whl")]
    return _largest(file for file in wheels if _fits(file)) if wheels else _largest(files)


def _largest(files: Iterable[File]) -> int | None:
    return max((file.size for file in files if file.size is not None), default=None)


def _fits(file: File) -> bool:
    try:
        tags = parse_wheel_filename(file.name)[3]
    except InvalidWheelFilename:
        return False
    return bool({tag.platform for tag in tags} & {"any", *platform_tags()})


def _agreed(state: State) -> dict[str, int]:
    """Return {package: bytes that were agreed to}; nothing if that cannot be read."""
    try:
        found = read_json(state.agreed)
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: size for name, size in found.items() if isinstance(size, int)}


def _gigabytes(size: int) -> str:
    return f"{size / 10**9:.1f} GB"
