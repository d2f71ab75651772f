"""What the target has already and need not travel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.locks.lock import Pinned


def left_out(needed: Iterable[Pinned], there: Mapping[str, str], package: str) -> dict[str, str]:
    """Return {name: version} of what need not travel: all locks have it as the target has it."""
    versions: dict[str, set[str]] = {}
    for one in needed:
        versions.setdefault(one.name, set()).add(one.version)
    equal = {
        name: there[name] for name, found in versions.items() if name in there and found == {there[name]}
    }
    equal.pop(package, None)
    return dict(sorted(equal.items()))


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
