"""Writing a bundle: every release locked as a run locks it, its files fetched by their hashes, all in one archive."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.bundles.bundle import FIRST, ITSELF, SCHEMA
from harness.errors import UsageError
from harness.locks.interpreter import Interpreter, find_interpreter
from harness.locks.lock import Lock
from harness.locks.locks import Locks
from harness.locks.resolve import Resolver, Unresolvable
from harness.locks.stored import lock_texts
from harness.locks.torch import choose_torch, without_torch
from harness.packing.archive import write
from harness.packing.carried import carried_harness, fits, importable
from harness.packing.host import brought_by_torch, left_out
from harness.packing.wheels import Target, fetch
from harness.recording import recorder_version
from harness.uv import Uv
from harness.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.packing.carried import Carried
    from harness.packing.wheels import Fetched
    from harness.releases.release import Release
    from harness.scenario import Scenario
    from harness.sessions.asked import Asked
    from harness.state import State

_LARGE = 100_000_000
"""Bytes from which a wheel travels as it is: pressing torch and its like takes minutes and gains little."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A written bundle.

    Attributes:
        releases: How many it holds.
        size: Of the archive, in bytes.
        packages: {name: (how many files, bytes)}.
        unlocked: {release: why it has no lock}.
        missing: Packages of which no source has a file that their lock names, as name==version.
        unfit: Packages of which there is no wheel that fits; the bundle has their source.
        target: The machine it is for.
        itself: Size of the harness itself in it, in bytes; 0 if it is not in it.
        left: Packages besides torch that are left to the target.
    """

    releases: int
    size: int
    packages: Mapping[str, tuple[int, int]]
    unlocked: Mapping[str, str]
    missing: Sequence[str]
    unfit: Sequence[str]
    target: Target
    itself: int
    left: Sequence[str] = ()


def pack(
    asked: Asked,
    path: Path,
    state: State,
    told: Callable[[str], None],
    *,
    python: str | None = None,
    platform: str | None = None,
    pins: Sequence[str] = (),
    host_packages: Mapping[str, str] | None = None,
) -> Packed:
    """Write the bundle of a question.

    Args:
        asked: Gives scenario, package, range and torch; with `host`, torch is left out.
        path: The archive, written whole or not at all.
        state: Where locks and fetched files are kept.
        told: Called with a line when something is done.
        python: Major and minor version of the target; None for what the scenario takes here.
        platform: Of the target, as `sysconfig.get_platform()`; None for this one.
        pins: What was asked for besides the scenario's pins.
        host_packages: {name: version} of what the target has; what every lock has in that version is left out.

    Raises:
        HarnessError: As its parts say.
    """
    listing = asked.source.listing(asked.package, state)
    releases = asked.select(listing.releases)
    resolver, target = _resolver(asked, state, python, platform)
    reference, locks = _locks(resolver, releases, told)
    found = [lock for lock in [reference, *locks] if isinstance(lock, Lock)]
    if asked.torch == "host":
        found = [without_torch(lock) for lock in found]
    needed = {package for lock in found for package in lock.packages}
    left = left_out(needed, host_packages or {}, asked.package)
    wanted = {package for package in needed if package.name not in left}
    files, missing = fetch(wanted, target, resolver.settings, state)
    brought = {}
    if asked.torch == "host" and not left and not missing:  # else not every requirement is known
        pinned = [Requirement(pin).name for pin in asked.pins()]
        brought = brought_by_torch(files, [asked.package, *map(canonicalize_name, pinned)])
        files = [file for file in files if file.package.name not in brought]
    told(f"{len(files)} files of {len({file.package.name for file in files})} packages are here")
    solid = [file for file in files if file.fits and file.path.stat().st_size < _LARGE]
    content: dict[str, Path | bytes] = {
        **_files(asked.scenario),
        **{
            f"locks/{name}": text.encode()
            for name, text in lock_texts(reference, releases, locks.known()).items()
        },
        **{f"wheels/{file.path.name}": file.path for file in files if file not in solid},
    }
    itself = _itself(solid, target, state, told)
    if itself:
        content |= {f"{ITSELF}{name}": place for name, place in itself.own.items()}
    manifest = {
        "schema": SCHEMA,
        "harness": __version__,
        "recorder": recorder_version(),
        "scenario": asked.scenario.name,
        "package": asked.package,
        "pins": list(pins),
        "python": target.python,
        "platform": target.platform,
        "torch": "host" if asked.torch == "host" else "index",
        "host_packages": left,
        "brought": brought,
        "releases": [_listed(release) for release in releases],
    }
    write(path, manifest, content, solid, itself)
    return Packed(
        releases=len(releases),
        size=path.stat().st_size,
        packages=_sizes(files),
        unlocked={
            one.version: lock.reason
            for one, lock in zip(releases, locks, strict=True)
            if isinstance(lock, Unresolvable)
        },
        missing=[f"{package.name}=={package.version}" for package in missing],
        unfit=[f"{file.package.name}=={file.package.version}" for file in files if not file.fits],
        target=target,
        itself=itself.archive.stat().st_size if itself else 0,
        left=sorted({*left, *brought}),
    )


def _resolver(
    asked: Asked, state: State, python: str | None, platform: str | None
) -> tuple[Resolver, Target]:
    """Return what makes the locks, and the machine they are for."""
    settings = asked.source.settings()
    uv = Uv(settings.uv_environment)
    # The host's torch is the target's: its version is put into the locks there.
    choice = "index" if asked.torch in {"host", "auto"} else asked.torch
    here = find_interpreter(asked.scenario.python, uv)
    target = Target(here.minor, here.platform)
    wanted = (python or here.minor, platform or here.platform)
    if wanted != (here.minor, here.platform):
        target = Target.other(*wanted)
        here = Interpreter(here.path, f"{target.python}.0" if python else here.version, target.platform)
    resolver = Resolver(
        asked.package,
        asked.pins(),
        here,
        choose_torch(choice, settings, state),
        settings,
        uv,
        state,
        asked.newest(),
        target.options,
    )
    return resolver, target


def _locks(
    resolver: Resolver, releases: Sequence[Release], told: Callable[[str], None]
) -> tuple[Lock, Locks]:
    reference = resolver.reference()
    if isinstance(reference, Unresolvable):
        raise UsageError(
            f"no release of {resolver.package} goes with the pins, so there is nothing to bundle: {reference.reason}"
        )
    locks = Locks(resolver, releases, reference, told)
    locks.resolve()
    return reference, locks


def _files(scenario: Scenario) -> dict[str, Path]:
    """Return what the bundle holds of a scenario's folder: all that enters the digest of its job, and the toml."""
    paths = [scenario.folder / "scenario.toml", *scenario.files()]
    return {
        f"{FIRST}{scenario.folder.name}/{path.relative_to(scenario.folder).as_posix()}": path
        for path in paths
    }


def _listed(release: Release) -> dict[str, object]:
    facts = asdict(release)
    del facts["files"]
    return facts


def _itself(
    solid: Sequence[Fetched], target: Target, state: State, told: Callable[[str], None]
) -> Carried | None:
    """Return the harness itself for the target; None if what is installed here does not run there."""
    if not fits(target):
        return None
    there = {
        (file.package.name, file.package.version): f"wheels/{file.path.name}"
        for file in solid
        if importable(file.path)
    }
    return carried_harness(state, told, there)


def _sizes(files: Sequence[Fetched]) -> dict[str, tuple[int, int]]:
    sizes: dict[str, tuple[int, int]] = {}
    for file in files:
        count, total = sizes.get(file.package.name, (0, 0))
        sizes[file.package.name] = (count + 1, total + file.path.stat().st_size)
    return sizes
