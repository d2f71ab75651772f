"""The harness itself and what it needs, as installed here, for a machine that has nothing but Python."""

from __future__ import annotations

import hashlib
import sys
import sysconfig
import uuid
import zipfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.bundles.solid import write_solid
from harness.errors import HarnessError
from harness.scenario.find import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from harness.packing.wheels import Target
    from harness.state import State

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


def importable(wheel: Path) -> bool:
    """Tell whether a wheel works when it is unpacked as it is: nothing of it has to be put elsewhere."""
    with zipfile.ZipFile(wheel) as archive:
        return not any(name.split("/")[0].endswith(".data") for name in archive.namelist())


def carried_harness(
    state: State, told: Callable[[str], None], wheels: Mapping[tuple[str, str], str]
) -> Carried:
    """Return the harness and its requirements, whose archive is made once for what is installed.

    Args:
        state: Where it is kept.
        told: Called with a line if it has to be made.
        wheels: {(name, version): file name} of what the bundle has anyway, and the harness takes from there.

    Raises:
        HarnessError: What it needs is not installed as a package with a list of its files.
    """
    versions = {name: distribution(name).version for name in sorted(_needed())}
    shared = {
        name: wheels[item] for name, item in ((one[0], one) for one in versions.items()) if item in wheels
    }
    files = _files(versions.keys() - shared.keys())
    digest = hashlib.sha256()
    for name, path in files:
        digest.update(f"{name} {path.stat().st_size}\n".encode())
        if name.endswith("/RECORD"):  # has the digests of all the rest
            digest.update(path.read_bytes())
    archive = state.root / "harness-itself" / f"{digest.hexdigest()[:20]}.tar.xz"
    if not archive.exists():
        told("pressing what the harness itself requires, once: takes a minute or two")
        archive.parent.mkdir(parents=True, exist_ok=True)
        temporary = archive.with_name(f".{uuid.uuid4().hex[:8]}.tmp")
        try:
            write_solid(temporary, files)
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


def _files(packages: Collection[str]) -> list[tuple[str, Path]]:
    """Return all files, by the name that they have in the folder put on the path."""
    found = {}
    for name in sorted(packages):
        one = distribution(name)
        if one.files is None:
            raise HarnessError(f"{name} was installed without a list of its files: install it by pip or uv")
        for file in one.files:
            path = Path(str(one.locate_file(file)))
            if ".." not in file.parts:
                found[file.as_posix()] = path
            elif file.parts[-2:] == ("bin", "uv"):  # where uv's package looks for it beside itself
                found["bin/uv"] = path
    return [(name, found[name]) for name in sorted(found) if _useful(name) and found[name].is_file()]


def _useful(name: str) -> bool:
    return not {"__pycache__", "tests"} & set(name.split("/")) and not name.endswith(_SOURCES)


def _needed() -> set[str]:
    """Return the canonical names of what the harness requires, directly or not."""
    needed: set[str] = set()
    queue = [ITSELF]
    while queue:
        try:
            requires = distribution(queue.pop()).requires or []
        except PackageNotFoundError as error:
            raise HarnessError(
                f"{error.name} is not installed here, and the bundle has to carry it"
            ) from None
        for requirement in map(Requirement, requires):
            name = str(canonicalize_name(requirement.name))
            wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if wanted and name not in needed | _UNUSED:
                needed.add(name)
                queue.append(name)
    return needed
