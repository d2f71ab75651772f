"""Which build of torch the environments get: the user's own source, a CUDA or CPU build, or the host's torch."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile, ZipInfo

from harness.errors import ToolMissingError, UsageError
from harness.files import whole_folder
from harness.locks.interpreter import Interpreter, ask
from harness.locks.lock import Pinned

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.locks.lock import Lock
    from harness.releases.settings import IndexSettings
    from harness.state import State

CHOICES = "auto, cpu, cuXXX (as cu128), index, host"

_BINARY = re.compile(r"^(torch|pytorch-triton.*|triton.*|nvidia-.*|cuda-.*|rocm.*)$")
"""Names of what torch's binary build is made of."""

# Run inside the host's interpreter. What belongs to torch's binary build (the vendor's libraries and compiler)
# is reused as it lies there; torch's plain Python requirements are locked like everybody else's.
_ASK_HOST = """
import importlib.metadata as m, json, re, sys
binary = re.compile(sys.argv[1])
seen, queue, tops, requires = {}, ["torch", *sys.argv[2:]], {}, []
while queue:
    name = re.sub(r"[-_.]+", "-", queue.pop()).lower()
    if name in seen:
        continue
    try:
        dist = m.distribution(name)
    except m.PackageNotFoundError:
        continue
    seen[name] = dist.version
    for file in dist.files or ():
        top = file.parts[0]
        if top not in ("..", "__pycache__") and not top.endswith(".pth"):
            tops[top] = str(dist.locate_file(top))
    for text in dist.requires or ():
        if "extra ==" in text:
            continue
        other = re.match(r"[A-Za-z0-9._-]+", text).group(0)
        if binary.match(re.sub(r"[-_.]+", "-", other).lower()):
            queue.append(other)
        elif name == "torch":
            requires.append(text)
print(json.dumps({"version": seen.get("torch"), "tops": tops, "requires": requires, "versions": seen}))
"""


@dataclass(frozen=True, slots=True)
class TorchSource:
    """Where torch comes from.

    Attributes:
        choice: What was decided, for the report.
        options: Options for uv's resolver and installer.
        fallback: Tried without `options` if they cannot be served (an unreachable index), since they were
            nobody's explicit wish.
        host: The host's torch, for `host` only.
    """

    choice: str
    options: tuple[str, ...] = ()
    fallback: bool = False
    host: HostTorch | None = None


@dataclass(frozen=True, slots=True)
class HostTorch:
    """A torch that is already installed on this machine.

    Attributes:
        interpreter: The Python it is installed for.
        version: As it names itself.
        folder: Links to its files and nothing else's, to be put on an environment's path.
        beside: {name: version} of further packages of the host that environments take as they lie there.
        wheels: Folder of a wheel without content that stands for it in the resolution.
    """

    interpreter: Interpreter
    version: str
    folder: Path
    wheels: Path
    beside: Mapping[str, str] = field(default_factory=dict)

    def slow_start(self) -> str:
        """Return what to do about modules that were never compiled; empty where they were.

        A probe may not write to the host's files, so each process would compile them anew.
        """
        torch = (self.folder / "torch").resolve()
        if not torch.is_dir() or any((torch / "__pycache__").glob("__init__.*.pyc")):
            return ""
        return (
            "this machine's torch was never compiled by its Python, so each process takes some seconds more; to end that: "
            f"env -u PYTHONDONTWRITEBYTECODE {self.interpreter.path} -m compileall -q {torch}"
        )


def without_torch(lock: Lock) -> Lock:
    """Return a lock without torch and what its binary build brings."""
    return lock.only([name for name in lock.versions() if not _BINARY.match(name)])


def with_host_torch(lock: Lock, host: HostTorch) -> Lock:
    """Return a lock with the host's torch in place of the one it was made with.

    It is the lock that a resolution with the host's torch gives, if that has the same plain requirements. What the
    host's torch brings is in it in the host's version; in another than the lock's it has no hash.
    """
    others = [
        package
        if host.beside.get(package.name, package.version) == package.version
        else replace(package, version=host.beside[package.name], hashes=())
        for package in without_torch(lock).packages
    ]
    (stand_in,) = host.wheels.iterdir()
    digest = hashlib.sha256(stand_in.read_bytes()).hexdigest()
    torch = Pinned("torch", host.version, (f"sha256:{digest}",))
    return replace(lock, packages=tuple(sorted([*others, torch])))


def choose_torch(
    choice: str,
    settings: IndexSettings,
    state: State,
    beside: Mapping[str, str] | None = None,
    brought: Mapping[str, str] | None = None,
) -> TorchSource:
    """Decide where torch comes from.

    Args:
        choice: `auto`: a source that the user configured wins, else a CUDA build where a GPU is, else the CPU
            build. `cpu` and `cuXXX` ask for that build, `index` takes what the index serves, `host` reuses the
            installed torch.
        settings: The user's index settings.
        state: Where links to the host's torch are kept.
        beside: {name: version} of what else is taken from the host, with `host`.
        brought: The same of what the host may have in another version.

    Raises:
        UsageError: Another word; or the host has another version of what is taken from it.
        ToolMissingError: `host`, and no interpreter on PATH has torch.
    """
    if choice == "auto":
        if settings.customised:
            return TorchSource("the user's own package source")
        backend = "auto" if has_gpu() else "cpu"
        return TorchSource(f"{backend} build", ("--torch-backend", backend), fallback=True)
    if choice == "index":
        return TorchSource("as the index serves it")
    if choice == "host":
        host = _host_torch(state, beside or {}, brought or {})
        return TorchSource(f"the host's own {host.version}", ("--find-links", str(host.wheels)), host=host)
    if choice == "cpu" or (choice.startswith("cu") and choice[2:].isdecimal()):
        return TorchSource(f"{choice} build", ("--torch-backend", choice))
    raise UsageError(f"--torch {choice}: expected one of {CHOICES}")


def has_gpu() -> bool:
    """Tell whether an NVIDIA driver is loaded, without importing torch."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def _host_torch(state: State, beside: Mapping[str, str], brought: Mapping[str, str]) -> HostTorch:
    for python in _candidates():
        facts = _facts(python, [*beside, *brought])
        if facts and facts["version"]:
            for name, wanted in beside.items():
                if facts["versions"].get(name) != wanted:
                    raise UsageError(
                        f"the bundle counts on {name} {wanted} of this machine, and {python} has "
                        f"{facts['versions'].get(name, 'none')}: activate the environment whose `pip freeze` it was "
                        "made with, or make it again with the present one"
                    )
            versions = {name: facts["versions"].get(name) for name in [*beside, *brought]}
            if lacking := [name for name, version in versions.items() if version is None]:
                raise UsageError(
                    f"the torch of {python} has no {', '.join(lacking)}, which the bundle takes from beside it: install "
                    f"{' '.join(f'{name}=={brought[name]}' for name in lacking)} there, or start it by another Python"
                )
            where = hashlib.sha256(f"{python} {facts['tops']}".encode()).hexdigest()
            folder = state.root / "host-torch" / f"{facts['version']}-{where[:12]}"
            _link(folder, facts)
            return HostTorch(ask(python), facts["version"], folder / "site", folder / "wheels", versions)
    raise ToolMissingError(
        "--torch host: no Python on PATH has torch installed; activate the environment that has it, "
        "or choose another --torch"
    )


def _candidates() -> list[Path]:
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    found = [Path(active) / "bin" / "python"] if active else []
    found += [Path(path) for name in ("python3", "python") if (path := shutil.which(name))]
    return [path for path in found if path.exists()]


def _facts(python: Path, beside: Iterable[str]) -> dict[str, Any] | None:
    try:
        done = subprocess.run(
            [python, "-c", _ASK_HOST, _BINARY.pattern, *beside],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return dict(json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _link(folder: Path, facts: dict[str, Any]) -> None:
    if folder.is_dir():
        return
    with whole_folder(folder) as new:
        (new / "site").mkdir()
        for top, target in facts["tops"].items():
            (new / "site" / top).symlink_to(target)
        (new / "wheels").mkdir()
        _stand_in_wheel(new / "wheels", facts["version"], facts["requires"])


def _stand_in_wheel(folder: Path, version: str, requires: list[str]) -> None:
    """Write a wheel that has torch's name, version and requirements, always the same bytes."""
    info = f"torch-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {item}\n" for item in requires)
    wheel = "Wheel-Version: 1.0\nGenerator: harness\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with ZipFile(folder / f"torch-{version}-py3-none-any.whl", "w") as archive:
        for name, content in (("METADATA", metadata), ("WHEEL", wheel), ("RECORD", "")):
            archive.writestr(ZipInfo(f"{info}/{name}"), content)
