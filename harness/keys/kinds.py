"""All kinds of values there are in a scenario.

Text that has a form of its own (requirements, versions, regular expressions) is checked by what reads it later; its
schema knows as much of the form as an editor needs.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from harness.keys.kind import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME = r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"
"""Names of packages, as PyPA's specification of them gives it."""


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _read_by(read: Callable[[str], object], *errors: type[Exception]) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        try:
            read(value)
        except errors:
            return False
        return True

    return lambda value: _text(value) and fits(value)


def _regular(value: Any) -> bool:
    try:
        return _text(value) and bool(re.compile(value))
    except re.error as error:
        raise ValueError(str(error)) from None


TEXT = Kind("text", {"type": "string"}, _text)
BOOLEAN = Kind("true or false", {"type": "boolean"}, lambda value: isinstance(value, bool))
WHOLE = Kind("a whole number", {"type": "integer"}, _whole)
COUNT = Kind(
    "a whole number above 0", {"type": "integer", "minimum": 1}, lambda value: _whole(value) and value > 0
)
NUMBER = Kind("a number", {"type": "number"}, _number)
ABOVE_0 = Kind(
    "a number above 0",
    {"type": "number", "exclusiveMinimum": 0},
    lambda value: _number(value) and 0 < value < math.inf,
)
ABOVE_1 = Kind(
    "a number above 1",
    {"type": "number", "exclusiveMinimum": 1},
    lambda value: _number(value) and 1 < value < math.inf,
)
NOT_BELOW_0 = Kind(
    "a number not below 0",
    {"type": "number", "minimum": 0},
    lambda value: _number(value) and 0 <= value < math.inf,
)
SHARE = Kind(
    "a number between 0 and 1",
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    lambda value: _number(value) and 0 < value < 1,
)
SETTING = Kind(
    "text, a number, true or false",
    {"type": ["string", "number", "boolean"]},
    lambda value: isinstance(value, str | int | float),
)
PACKAGE = Kind(
    "the name of a package",
    {"type": "string", "pattern": _NAME},
    lambda value: _text(value) and bool(re.match(_NAME, value)),
)
VERSION = Kind(
    "a version number such as 0.6.2",
    {"type": "string", "pattern": r"^\s*[vV]?[0-9]"},
    _read_by(Version, InvalidVersion),
)
SPECIFIER = Kind(
    'a specifier such as ">=3.10" or "==3.11.*"',
    {"type": "string", "pattern": r"^[\s,]*($|[<>=!~])"},
    _read_by(SpecifierSet, InvalidSpecifier),
)
REQUIREMENT = Kind(
    'a requirement such as "torch==2.13.0"',
    {"type": "string", "pattern": r"^\s*[A-Za-z0-9]"},
    _read_by(Requirement, InvalidRequirement),
)
REGEX = Kind("a regular expression", {"type": "string", "format": "regex"}, _regular)


def one_of(*words: str) -> Kind:
    """Return the kind of a text that is one of `words`."""
    said = f"one of {', '.join(words)}" if len(words) > 2 else " or ".join(words)
    return Kind(said, {"enum": list(words)}, lambda value: _text(value) and value in words)


def list_of(part: Kind, words: str, *, least: int = 0) -> Kind:
    """Return the kind of a list.

    Args:
        part: What each item must be.
        words: What such a list is, in words.
        least: How many items it has at least.
    """
    schema: dict[str, Any] = {"type": "array", "items": part.schema}
    if least:
        schema["minItems"] = least
    return Kind(words, schema, lambda value: isinstance(value, list) and len(value) >= least, part)


def table(words: str) -> Kind:
    """Return the kind of a table whose keys are described for themselves."""
    return Kind(words, {"type": "object"}, lambda value: isinstance(value, dict))


def table_of(part: Kind, words: str) -> Kind:
    """Return the kind of a table whose keys are free.

    Args:
        part: What each value must be.
        words: What such a table is, in words.
    """
    schema = {"type": "object", "additionalProperties": part.schema}
    return Kind(words, schema, lambda value: isinstance(value, dict), part)
