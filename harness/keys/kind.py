"""What a value may be: in words, as a test, and in JSON Schema (draft 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Wrong:
    """A value, or a part of one, that is not what it may be.

    Attributes:
        key: Dotted name of the key.
        value: What it has.
        allowed: What it may have.
        why: What in particular is wrong, where that can be told.
    """

    key: str
    value: Any
    allowed: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.key} = {self.value!r}: expected {self.allowed}" + (
            f" ({self.why})" if self.why else ""
        )


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value may be.

    Attributes:
        words: What is allowed, as it follows "expected".
        schema: The same in JSON Schema, as far as that can say it: what fits is valid.
        fits: Tells whether a value is of the kind, its parts left aside; or raises ValueError with what is wrong.
        part: What every item of a list, every value of a table must be; None where there are no parts.
    """

    words: str
    schema: Mapping[str, Any]
    fits: Callable[[Any], bool]
    part: Kind | None = None

    def wrong(self, key: str, value: Any) -> Iterator[Wrong]:
        """Yield what is wrong with a value and with its parts.

        Args:
            key: Dotted name of the key; a table's value is told with its own name behind it.
            value: What stands there.
        """
        why = ""
        try:
            fits = self.fits(value)
        except ValueError as error:
            fits, why = False, str(error)
        if not fits:
            yield Wrong(key, value, self.words, why)
        elif self.part is not None:
            named = isinstance(value, dict)
            for name, item in value.items() if named else enumerate(value):
                yield from self.part.wrong(f"{key}.{name}" if named else key, item)
