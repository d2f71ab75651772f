"""The harness itself and what it needs, for a machine that has nothing but Python.

For a machine like this one that is what is installed here; for another one uv installs what fits it into a folder.
"""

from __future__ import annotations

import hashlib
import sys
import sysconfig
import uuid
import zipfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from harness.bundles.solid import write_solid
from harness.errors import HarnessError
from harness.scenario.find import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from importlib.metadata import Distribution

    from harness.locks.interpreter import Interpreter
    from harness.packing.wheels import Target
    from harness.state import State
    from harness.uv import Uv

ITSELF = "training-bisect"
_UNUSED = frozenset({"pandas", "pypi-simple"})
"""Needed by `harness.load_run` alone; to ask an index alone."""
_SOURCES = (".c", ".cpp", ".h", ".pxd", ".pyi", ".pyx", ".a")
"""Endings of what compiled modules were made from."""
_ROOT = Path(__file__).resolve().parents[2]
_OWN = (_ROOT / "harness", *([BUILT_IN] if BUILT_IN.parent == _ROOT else []))
"""Folders of the harness; built-in scenarios lie inside the first one where it is installed."""


@dataclass(frozen=True, slots=True)
class Carried:
    """The harness in a bundle.

    Attributes:
        own: {name: place} of its own files.
        archive: Of what it alone requires.
        wheels: Names of the wheels in the bundle that it requires too.
    """

    own: Mapping[str, Path]
    archive: Path
    wheels: Sequence[str]


def fits(target: Target) -> bool:
    """Tell whether what is installed here runs on the target: same Python, same platform."""
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return (target.python, target.platform) == (here, sysconfig.get_platform())


def installed_here() -> dict[str, Distribution]:
    """Return {canonical name: package} of what the harness requires, directly or not, as it is installed here.

    Raises:
        HarnessError: One of them is not.
    """
    found: dict[str, Distribution] = {}
    queue = [ITSELF]
    while queue:
        for requirement in _required(queue.pop()):
            name = str(canonicalize_name(requirement.name))
            wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if wanted and name not in found and name not in _UNUSED:
                found[name] = _installed(name)
                queue.append(name)
    return found


@dataclass(frozen=True, slots=True)
class NotPackable:
    """A target for which the index has not all that the harness requires, with uv's own reason."""

    reason: str


def installed_for(
    target: Target, interpreter: Interpreter, uv: Uv, folder: Path
) -> dict[str, Distribution] | NotPackable:
    """Return what the harness requires on another machine; uv installs it into a folder from wheels that fit there.

    Args:
        target: The other machine.
        interpreter: One of this machine, which uv asks for nothing that `target` says.
        uv: With the user's index settings.
        folder: An empty one.

    Raises:
        HarnessError: The machine or the index failed.
    """
    python = distribution(ITSELF).metadata["Requires-Python"] or ""
    if not SpecifierSet(python).contains(f"{target.python}.0"):
        return NotPackable(f"it needs Python {python}")
    wanted = [str(one) for one in _required(ITSELF) if str(canonicalize_name(one.name)) not in _UNUSED]
    ask = ("pip", "install", "--target", str(folder), "--python", str(interpreter.path), *target.options)
    outcome = uv.run(*ask, "--only-binary", ":all:", *wanted)
    if outcome.failure is not None and outcome.failure.of_release:
        return NotPackable(outcome.reason)
    if outcome.code != 0:
        raise HarnessError(f"the harness cannot be packed for another machine: {outcome.reason}")
    return {str(canonicalize_name(one.name)): one for one in distributions(path=[str(folder)])}


def _required(name: str) -> list[Requirement]:
    """Return what a package requires without extras."""
    found = map(Requirement, _installed(name).requires or [])
    return [one for one in found if one.marker is None or "extra" not in str(one.marker)]


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise HarnessError(f"{name} is not installed here, and the bundle has to carry it") from None


def importable(wheel: Path) -> bool:
    """Tell whether a wheel works when it is unpacked as it is: nothing of it has to be put elsewhere."""
    with zipfile.ZipFile(wheel) as archive:
        return not any(name.split("/")[0].endswith(".data") for name in archive.namelist())


def carried_harness(
    required: Mapping[str, Distribution],
    state: State,
    told: Callable[[str], None],
    wheels: Mapping[tuple[str, str], str],
) -> Carried:
    """Return the harness and its requirements, whose archive is made once for what is installed.

    Args:
        required: What it requires, by canonical name.
        state: Where the archive is kept.
        told: Called with a line if it has to be made.
        wheels: {(name, version): file name} of what the bundle has anyway, and the harness takes from there.

    Raises:
        HarnessError: What it needs is not installed as a package with a list of its files.
    """
    items = {name: (name, one.version) for name, one in required.items()}
    shared = {name: wheels[item] for name, item in items.items() if item in wheels}
    files = _files([one for name, one in sorted(required.items()) if name not in shared])
    digest = hashlib.sha256()
    for name, path in files:
        digest.update(f"{name} {path.stat().st_size}\n".encode())
        if name.endswith("/RECORD"):  # has the digests of all the rest
            digest.update(path.read_bytes())
    archive = state.root / "harness-itself" / f"{digest.hexdigest()[:20]}.tar.xz"
    if not archive.exists():
        told("pressing what the harness itself requires, once")
        archive.parent.mkdir(parents=True, exist_ok=True)
        temporary = archive.with_name(f".{uuid.uuid4().hex[:8]}.tmp")
        try:
            # Little in it repeats. The defaults take eight times as long and save a sixth (101 s and 13 s, 40 and 48 MB).
            write_solid(temporary, files, effort=1, window=1 << 20)
            temporary.replace(archive)
        finally:
            temporary.unlink(missing_ok=True)
    own = {
        path.relative_to(_ROOT).as_posix(): path
        for top in _OWN
        for path in sorted(top.rglob("*"))
        if path.is_file() and _useful(path.relative_to(_ROOT).as_posix())
    }
    return Carried(own, archive, sorted(shared.values()))


def _files(packages: Iterable[Distribution]) -> list[tuple[str, Path]]:
    """Return all files, by the name that they have in the folder put on the path."""
    found = {}
    for one in packages:
        if one.files is None:
            raise HarnessError(
                f"{one.name} was installed without a list of its files: install it by pip or uv"
            )
        for file in one.files:
            path = Path(str(one.locate_file(file)))
            if file.parts[-2:] == ("bin", "uv"):  # where uv's package looks for it beside itself
                found["bin/uv"] = path
            elif not {"..", "bin"} & set(file.parts[:1]):
                found[file.as_posix()] = path
    return [(name, found[name]) for name in sorted(found) if _useful(name) and found[name].is_file()]


def _useful(name: str) -> bool:
    return not {"__pycache__", "tests"} & set(name.split("/")) and not name.endswith(_SOURCES)
