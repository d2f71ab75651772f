"""How far a probe is shut off from everything else: what was asked, what this machine allows, and what a probe sees.

Namespaces of the kernel do it, entered by `harness_isolation`. A machine may forbid them, so what holds is a fact that
every execution is stored with, and no assumption.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from harness.errors import UsageError
from harness.namespaces import NEVER_HIDDEN, mounted_within, namespaces_forbidden, private_folders
from harness.probes.sandbox import checkpoints
from harness.recording import RECORDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.environments.environment import Environment
    from harness.probes.probe import Probe

PARTS = ("files", "processes", "network", "ipc")
"""What namespaces shut off, as `harness_isolation.PARTS`."""

_MACHINE_RUNS = (
    "/run/opengl-driver",
    "/run/current-system",
    "/run/nvidia-persistenced",
    "/run/nvidia-ctk-hook",
)
"""What programs need of /run: drivers and programs of NixOS, the drivers that a container got."""
_CGROUPS = {
    "": (Path("/sys/fs/cgroup"), "memory.max"),
    "memory": (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
}
"""{controllers of a line of /proc/self/cgroup: where its groups are, the file of their limit}; without any, it is version 2."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """What is shut off of each probe of a run.

    Attributes:
        asked: `strict`, `auto` or `none`.
        holds: Parts that hold; empty where environment variables alone are chosen.
        why: Why parts are missing that were asked for; empty if none is.
        memory: Bytes of data that each process of a probe may take, as asked for; None: what the machine allows.
    """

    asked: str = "none"
    holds: tuple[str, ...] = ()
    why: str = ""
    memory: int | None = None

    def of(self, *, online: bool) -> tuple[str, ...]:
        """Return what holds for a probe; one that may use the network has the machine's own."""
        return tuple(part for part in self.holds if part != "network" or not online)

    def memory_of(self, device: str) -> int | None:
        """Return the bytes of data that each process of a probe may take; None for no limit.

        A GPU's driver reserves addresses that are no memory, and they would count: there is a limit if one is asked for.
        """
        if self.memory is not None or self.asked == "none" or device != "cpu":
            return self.memory
        return _memory_of_machine()

    def enough(self, holds: Iterable[str], *, online: bool) -> bool:
        """Tell whether a stored execution was shut off as far as this run demands."""
        wanted = self.of(online=online) if self.asked == "strict" else ()
        return set(wanted) <= set(holds)


def choose_isolation(asked: str, memory: int | None = None) -> Isolation:
    """Return what of the isolation that is asked for this machine allows.

    Args:
        asked: `strict`, `auto` or `none`.
        memory: Bytes that each process of a probe may take; None for what the machine allows.

    Raises:
        UsageError: It is `strict`, and not all of it holds.
    """
    if asked == "none":
        return Isolation(asked, memory=memory)
    why = namespaces_forbidden()
    if asked == "strict" and why:
        raise UsageError(
            f"--isolation strict: this machine forbids what it needs ({why}); allow unprivileged user namespaces, as "
            "docs/explanation/isolation.md tells, or take --isolation auto"
        )
    return Isolation(asked, () if why else PARTS, why, memory)


@cache
def _memory_of_machine() -> int:
    """Return the bytes that all processes of this machine, of this container or of a group of this process may have."""
    limits = [psutil.virtual_memory().total + psutil.swap_memory().total]
    with suppress(OSError):
        for path in files_of_limits(Path("/proc/self/cgroup").read_text(encoding="utf-8")):
            with suppress(OSError, ValueError):  # it says `max`, or lies outside of what a container sees
                limits.append(int(path.read_text(encoding="ascii")))
    return min(limits)


def files_of_limits(groups: str) -> Iterator[Path]:
    """Yield the files that say how much memory the groups of a process, and those around them, may have (cgroups(7)).

    Args:
        groups: What /proc/self/cgroup says.
    """
    for line in groups.splitlines():
        _, controllers, own = line.split(":", 2)
        if controllers in _CGROUPS:
            root, name = _CGROUPS[controllers]
            group = root / own.lstrip("/")
            yield from (place / name for place in (group, *group.parents) if place.is_relative_to(root))


def confined(probe: Probe, environment: Environment, folder: Path, isolation: Isolation) -> dict[str, Any]:
    """Return what `harness_isolation.confine` is to do for a probe.

    Args:
        probe: What it is given by name is shown to it.
        environment: Is shown, and cannot be written to.
        folder: The one that the probe records into; it has `scratch`, which goes after the probe.
        isolation: What holds.
    """
    holds = isolation.of(online=probe.online)
    plan: dict[str, Any] = {"holds": holds, "memory": isolation.memory_of(probe.device)}
    if "files" not in holds:
        return plan
    temporary, upper = folder / "scratch" / "tmp", folder / "scratch" / "written"
    for made in (temporary, upper):
        made.mkdir()
    temporary.chmod(0o1777)
    state = folder.parent.parent.parent  # `folder` is probes/<digest>/<name> of it
    hidden = {os.path.realpath(path) for path in (state, *private_folders())}
    covered = tuple(f"{path}/" for path in (*hidden, "/tmp", "/var/tmp", "/dev"))  # noqa: S108
    shown = {
        path: "read"
        for path in map(str, _readable(probe, environment, state))
        if (f"{path}/".startswith(covered) or f"{os.path.realpath(path)}/".startswith(covered))
        and os.path.exists(path)  # noqa: PTH110 - a value that is no path at all raises nothing here
    }
    if probe.online and (models := checkpoints()).is_dir():
        shown[str(models)] = "write"
    if probe.folder is not None and str(probe.folder.resolve()) not in NEVER_HIDDEN:
        inside = mounted_within(probe.folder)
        shown[str(probe.folder)] = "write" if inside else "copy"
        shown.update(dict.fromkeys(inside, "write"))
    shown[str(folder)] = "write"
    real = {os.path.realpath(path): how for path, how in shown.items()}
    # What is hidden and shown whole is not hidden first: a recursive bind mount would bring the empty folder with it.
    empty = hidden - {"/tmp", "/var/tmp"} - real.keys()  # noqa: S108
    return {
        **plan,
        "hidden": sorted(path for path in empty if Path(path).is_dir()),
        "temporary": str(temporary),
        "upper": str(upper),
        "shown": [[path, how] for path, how in {**shown, **real}.items()],
    }


def _readable(probe: Probe, environment: Environment, state: Path) -> Iterator[Path]:
    """Yield what a probe needs of places that may be hidden: its environment, and what the question names."""
    yield RECORDER
    for place in {environment.folder, environment.base}:
        yield from _parts_of(place)
    yield checkpoints()
    yield from map(Path, _MACHINE_RUNS)
    if probe.online:
        yield Path(os.path.realpath("/etc/resolv.conf"))
    for name in ("PATH", "LD_LIBRARY_PATH"):
        yield from _folders(os.environ.get(name, ""))
    asked = [*probe.variables.values(), *map(str, probe.parameters.values()), *probe.command]
    named = [path for value in asked for path in _named(value, probe.folder)]
    own = f"{os.path.realpath(probe.folder)}/" if probe.folder else None
    kept = f"{os.path.realpath(state)}/"
    for path in [*named, *([probe.job.parent] if probe.job is not None else [])]:
        real = f"{os.path.realpath(path)}/"
        # What lies in the copy is a part of it, but for a state directory in it, which is hidden: an overlay lies there.
        if own is None or not real.startswith(own) or real.startswith(kept) > own.startswith(kept):
            yield path


def _named(value: str, folder: Path | None) -> Iterator[Path]:
    """Yield the paths that a value may name: all of it, what follows a `=`, and what stands between colons of either.

    Args:
        value: As `--data=../data`.
        folder: Where relative paths begin; None: none is meant.
    """
    beginnings = ("/",) if folder is None else ("/", "..")
    texts = {value, value.partition("=")[2]}
    for word in texts | {word for text in texts for word in text.split(os.pathsep)}:
        if word.startswith(beginnings):
            yield from _folders(str((folder or Path("/")) / word))


def _parts_of(environment: Path) -> Iterator[Path]:
    """Yield a virtual environment, the Python that it was made from, and folders that its `.pth` files name."""
    yield environment
    python = environment / "bin" / "python"
    while python.is_symlink():
        python = Path(os.path.normpath(python.parent / python.readlink()))
        yield python.parent.parent
    for file in environment.glob("lib/python*/site-packages/*.pth"):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            for folder in _folders(line):
                yield folder
                # The host's torch lies where the host has it, behind links.
                yield from (one.resolve() for one in _entries(folder) if one.is_symlink())


def _entries(folder: Path) -> list[Path]:
    """Return what lies in a folder; nothing where there is none."""
    return list(folder.iterdir()) if folder.is_dir() else []


def _folders(value: str) -> Iterator[Path]:
    """Yield the absolute paths of a list of paths; a path that stands above all others names nothing."""
    for word in {value, *value.split(os.pathsep)}:
        if Path(word).is_absolute() and os.path.normpath(word) not in NEVER_HIDDEN:
            yield Path(os.path.normpath(word))
