"""What the target has already and need not travel."""

from __future__ import annotations

import email
import re
import zipfile
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from harness.locks.lock import Pinned
    from harness.packing.wheels import Fetched


def left_out(needed: Iterable[Pinned], there: Mapping[str, str], tested: Collection[str]) -> dict[str, str]:
    """Return {name: version} of what need not travel: all locks have it as the target has it, and it is not tested."""
    versions: dict[str, set[str]] = {}
    for one in needed:
        versions.setdefault(one.name, set()).add(one.version)
    equal = {
        name: there[name]
        for name, found in versions.items()
        if name in there and name not in tested and found == {there[name]}
    }
    return dict(sorted(equal.items()))


def brought_by_torch(files: Iterable[Fetched], roots: Iterable[str]) -> dict[str, str]:
    """Return {name: version} of what nothing but torch needs, and so comes with the target's torch.

    Every requirement counts, whatever its marker or extra: what may be needed otherwise travels.

    Args:
        files: Of all that the locks hold, torch left out.
        roots: Canonical names of the packages that were asked for.
    """
    needs: dict[str, set[str]] = {}
    versions: dict[str, set[str]] = {}
    for file in files:
        name = file.package.name
        versions.setdefault(name, set()).add(file.package.version)
        needs.setdefault(name, set()).update(_requirements(file.path) if file.fits else ())
        if not file.fits:  # what a source requires is known once it is built
            return {}
    reached, queue = set(), list(roots)
    while queue:
        name = queue.pop()
        if name not in reached:
            reached.add(name)
            queue += needs.get(name, ())
    return {
        name: next(iter(found))
        for name, found in sorted(versions.items())
        if name not in reached and len(found) == 1
    }


def _requirements(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [one for one in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", one)]
        told = email.message_from_bytes(archive.read(name))
    lines = map(str, told.get_all("Requires-Dist", []))
    return {str(canonicalize_name(Requirement(line).name)) for line in lines}


def read_freeze(path: Path) -> dict[str, str]:
    """Return {name: version} of what `pip freeze` printed; lines that name no version are passed over.

    Raises:
        UsageError: It cannot be read, or has no such line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--host-packages {path}: cannot be read ({error})") from None
    pairs = (line.split("#")[0].strip().partition("==") for line in lines)
    found = {str(canonicalize_name(name)): version for name, equals, version in pairs if equals}
    if not found:
        raise UsageError(
            f"--host-packages {path}: no line as name==version; write it on the target by `python -m pip freeze`"
        )
    return found
