"""Keys of a table: what each takes and means; and a table checked against them, all complaints at once."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.keys.kind import Kind


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a TOML table.

    Attributes:
        kind: What it takes, one of `harness.keys.kinds`.
        meaning: What it says, in a sentence; also what holds where it is left out, if there is no `default`.
        required: Whether it must be given.
        default: What holds where it is left out; None for nothing.
        example: A value for the reference; None takes the default.
    """

    kind: Kind
    meaning: str
    required: bool = False
    default: Any = None
    example: Any = None


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong in a file.

    Attributes:
        key: Dotted name of the key that it is about.
        said: The complaint: key, value, and what is allowed.
        file: Where it stands, if that is not the file that is checked.
    """

    key: str
    said: str
    file: str = ""


def check(
    table: Mapping[str, Any], keys: Mapping[str, Key], *, prefix: str = "", others: Kind | None = None
) -> Iterator[Complaint]:
    """Yield what is wrong in a table by what its keys take.

    Args:
        table: What stands in the file.
        keys: What may stand there.
        prefix: Dotted name of the table, with a dot behind it; empty for the file itself.
        others: What keys that are not among `keys` take; None if there may be no others.
    """
    for name, value in table.items():
        kind = keys[name].kind if name in keys else others
        if kind is None:
            yield unknown(name, keys, prefix=prefix)
        else:
            yield from (Complaint(wrong.key, str(wrong)) for wrong in kind.wrong(f"{prefix}{name}", value))
    for name, key in keys.items():
        if key.required and name not in table:
            yield Complaint(f"{prefix}{name}", f"the key {prefix + name!r} is missing")


def unknown(name: str, known: Iterable[str], *, prefix: str = "") -> Complaint:
    """Return the complaint about a key that does not exist, with the one that may be meant."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    where = f"{prefix[:-1]}: " if prefix else ""
    return Complaint(f"{prefix}{name}", f"{where}unknown key {name!r}{hint}; allowed: {', '.join(known)}")
