"""Writing a bundle: every release locked as a run locks it, its files fetched by their hashes, all in one archive."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.bundles.bundle import FIRST, ITSELF, SCHEMA
from harness.errors import UsageError
from harness.files import scratch_folder
from harness.locks.interpreter import Interpreter
from harness.locks.lock import Lock
from harness.locks.locks import Locks
from harness.locks.resolve import Resolver, Unresolvable
from harness.locks.stored import lock_texts
from harness.locks.torch import without_torch
from harness.packing.archive import write
from harness.packing.carried import (
    Carried,
    NotPackable,
    carried_harness,
    fits,
    importable,
    installed_for,
    installed_here,
)
from harness.packing.host import brought_by_torch, left_out
from harness.packing.wheels import Target, fetch
from harness.recording import recorder_version
from harness.sessions.prepare import make_resolver
from harness.version import __version__
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.packing.wheels import Fetched
    from harness.releases.release import Release
    from harness.scenario import Scenario
    from harness.sessions.lines import Line
    from harness.state import State

_LARGE = 100_000_000
"""Bytes from which a wheel travels as it is: pressing torch and its like takes minutes and gains little."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A written bundle.

    Attributes:
        releases: {package under test: how many it holds}.
        size: Of the archive, in bytes.
        packages: {name: (how many files, bytes)}.
        unlocked: {release: why it has no lock}.
        missing: Packages of which no source has a file that their lock names, as name==version.
        unfit: Packages of which there is no wheel that fits; the bundle has their source.
        target: The machine it is for.
        itself: Size of the harness itself in it, in bytes; 0 if it is not in it.
        left: Packages besides torch that are left to the target.
        without_itself: Why the harness is not in it; empty if it is.
    """

    releases: Mapping[str, int]
    size: int
    packages: Mapping[str, tuple[int, int]]
    unlocked: Mapping[str, str]
    missing: Sequence[str]
    unfit: Sequence[str]
    target: Target
    itself: int
    left: Sequence[str] = ()
    without_itself: str = ""


@dataclass(frozen=True, slots=True)
class _Locked:
    """One line with all its locks."""

    line: Line
    releases: Sequence[Release]
    reference: Lock
    locks: Locks

    def found(self) -> list[Lock]:
        """Return the locks that there are, without torch where that is the target's."""
        found = [lock for lock in [self.reference, *self.locks] if isinstance(lock, Lock) and lock.packages]
        return [without_torch(lock) for lock in found] if self.line.asked.torch == "host" else found

    def texts(self) -> dict[str, bytes]:
        """Return {path in the bundle: content} of the locks, as `StoredLocks` reads them."""
        folder = "/".join(filter(None, ("locks", self.line.locks)))
        texts = lock_texts(self.reference, self.releases, self.locks.known())
        return {f"{folder}/{name}": text.encode() for name, text in texts.items()}

    def unlocked(self) -> dict[str, str]:
        """Return {release: why it has no lock}."""
        held = f" with {self.line.asked.held}" if self.line.asked.held else ""
        named = f"{self.line.asked.package} " if held else ""
        return {
            f"{named}{release.version}{held}": lock.reason
            for release, lock in zip(self.releases, self.locks, strict=True)
            if isinstance(lock, Unresolvable)
        }


def pack(
    lines: Sequence[Line],
    path: Path,
    state: State,
    told: Callable[[str], None],
    *,
    python: str | None = None,
    platform: str | None = None,
    pins: Sequence[str] = (),
    host_packages: Mapping[str, str] | None = None,
    without_arguments: Sequence[str] = ("--help",),
) -> Packed:
    """Write the bundle of a question.

    Args:
        lines: Of the question: of two packages all rows and columns of their grid, so that every pair has its locks. They
            give scenario, packages, ranges and torch; with `host`, torch is left out.
        path: The archive, written whole or not at all.
        state: Where locks and fetched files are kept.
        told: Called with a line when something is done.
        python: Major and minor version of the target; None for what the scenario takes here.
        platform: Of the target, as `sysconfig.get_platform()`; None for this one.
        pins: What was asked for besides the scenario's pins.
        host_packages: {name: version} of what the target has; what every lock has in that version is left out.
        without_arguments: Command of the harness that `python FILE` runs, and `python FILE --option`.

    Raises:
        HarnessError: As its parts say.
    """
    asked = lines[0].asked
    # The host's torch is the target's: its version is put into the locks there.
    torch = "index" if asked.torch in {"host", "auto"} else asked.torch
    resolver = make_resolver(replace(asked, torch=torch), state)
    interpreter, target = _target(resolver.interpreter, python, platform)
    resolver = replace(resolver, interpreter=interpreter, target=target.options)
    locked = [
        _lock(
            line,
            replace(resolver, package=line.asked.package, pins=line.asked.pins(), newest=line.asked.newest()),
            state,
            told,
        )
        for line in lines
    ]
    found = [lock for one in locked for lock in one.found()]
    if not found:
        (reason, *_) = (reason for one in locked for reason in one.unlocked().values())
        raise UsageError(
            f"no release of {asked.package} goes with the pins, so there is nothing to bundle: {reason}"
        )
    axes = {one.line.asked.package: [_listed(release) for release in one.releases] for one in locked}
    needed = {package for lock in found for package in lock.packages}
    left = left_out(needed, host_packages or {}, axes)
    wanted = {package for package in needed if package.name not in left}
    files, missing = fetch(wanted, target, resolver.settings, state)
    brought = {}
    if asked.torch == "host" and not left and not missing:  # else not every requirement is known
        pinned = [Requirement(pin).name for pin in asked.pins()]
        brought = brought_by_torch(files, [*axes, *map(canonicalize_name, pinned)])
        files = [file for file in files if file.package.name not in brought]
    told(
        f"{counted(len(files), 'file is', 'files are')} here, of {counted(len({file.package.name for file in files}), 'package')}"
    )
    solid = [file for file in files if file.fits and file.path.stat().st_size < _LARGE]
    content: dict[str, Path | bytes] = {
        **_files(asked.scenario),
        **{name: text for one in locked for name, text in one.texts().items()},
        **{f"wheels/{file.path.name}": file.path for file in files if file not in solid},
    }
    found_itself = _itself(solid, target, resolver, told)
    itself = found_itself if isinstance(found_itself, Carried) else None
    if itself:
        content |= {f"{ITSELF}{name}": place for name, place in itself.own.items()}
    manifest = {
        "schema": SCHEMA,
        "harness": __version__,
        "recorder": recorder_version(),
        "scenario": asked.scenario.name,
        "axes": [{"package": name, "releases": releases} for name, releases in axes.items()],
        "pins": list(pins),
        "python": target.python,
        "platform": target.platform,
        "torch": "host" if asked.torch == "host" else "index",
        "host_packages": left,
        "brought": brought,
        "without_arguments": list(without_arguments),
    }
    write(path, manifest, content, solid, itself)
    return Packed(
        releases={name: len(releases) for name, releases in axes.items()},
        size=path.stat().st_size,
        packages=_sizes(files),
        unlocked={name: reason for one in locked for name, reason in one.unlocked().items()},
        missing=[f"{package.name}=={package.version}" for package in missing],
        unfit=[f"{file.package.name}=={file.package.version}" for file in files if not file.fits],
        target=target,
        itself=itself.archive.stat().st_size if itself else 0,
        without_itself=found_itself.reason if isinstance(found_itself, NotPackable) else "",
        left=sorted({*left, *brought}),
    )


def _target(here: Interpreter, python: str | None, platform: str | None) -> tuple[Interpreter, Target]:
    """Return the interpreter that the locks are made for, and the machine that it runs on."""
    wanted = (python or here.minor, platform or here.platform)
    if wanted == (here.minor, here.platform):
        return here, Target(*wanted)
    target = Target.other(*wanted)
    return Interpreter(here.path, f"{target.python}.0" if python else here.version, target.platform), target


def _lock(line: Line, resolver: Resolver, state: State, told: Callable[[str], None]) -> _Locked:
    """Return a line with the locks of all its releases."""
    releases = line.asked.select(line.asked.source.listing(line.asked.package, state).releases)
    reference = resolver.reference()
    held = f" with {line.asked.held}" if line.asked.held else ""
    locks = Locks(resolver, releases, reference, lambda text: told(f"{text}{held}"))
    locks.resolve()
    if isinstance(reference, Unresolvable):
        reference = Lock((), "fixed", resolver.interpreter.minor, resolver.interpreter.platform)
    return _Locked(line, releases, reference, locks)


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
    solid: Sequence[Fetched], target: Target, resolver: Resolver, told: Callable[[str], None]
) -> Carried | NotPackable:
    """Return the harness itself for the target."""
    there = {
        (file.package.name, file.package.version): f"wheels/{file.path.name}"
        for file in solid
        if importable(file.path)
    }
    if fits(target):
        return carried_harness(installed_here(), resolver.state, told, there)
    with scratch_folder("carried") as folder:
        found = installed_for(target, resolver.interpreter, resolver.uv, folder)
        if isinstance(found, NotPackable):
            return found
        return carried_harness(found, resolver.state, told, there)


def _sizes(files: Sequence[Fetched]) -> dict[str, tuple[int, int]]:
    sizes: dict[str, tuple[int, int]] = {}
    for file in files:
        count, total = sizes.get(file.package.name, (0, 0))
        sizes[file.package.name] = (count + 1, total + file.path.stat().st_size)
    return sizes
