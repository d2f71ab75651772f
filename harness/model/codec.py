"""Values of the model as plain JSON types, and back: one converter for all of them.

Types are taken at their word: a number where a text belongs is a fault of the file, and the message names the place.
Whole numbers are numbers too, and a field of numbers takes the texts `NaN`, `Infinity` and `-Infinity` of strict JSON.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from harness.files import number

if TYPE_CHECKING:
    from cattrs.preconf.json import JsonConverter

Value = TypeVar("Value")


def to_plain(value: Any) -> Any:
    """Return a value of the model as dictionaries, lists, text, numbers, true, false and null."""
    return _converter().unstructure(value)


def from_plain(kind: type[Value], plain: Any) -> Value:
    """Read what `to_plain` returned; fields that this harness does not know are left out.

    Raises:
        ValueError: A field is missing, or has another type; the message names where.
    """
    from cattrs import BaseValidationError, transform_error  # noqa: PLC0415 - kept out of start-up

    try:
        return _converter().structure(plain, kind)
    except BaseValidationError as error:
        raise ValueError("; ".join(transform_error(error, format_exception=_said)[:3])) from None
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{kind.__name__} cannot be read: {error}") from None


@cache
def _converter() -> JsonConverter:
    from cattrs.preconf.json import make_converter  # noqa: PLC0415 - kept out of start-up

    made = make_converter()
    for kind in _NAMES:
        made.register_structure_hook(kind, _exactly)
    made.register_structure_hook(float, _number)
    return made


class _TypeError(ValueError):
    """A value is not of the type that its field has."""


def _said(error: BaseException, kind: type[Any] | None) -> str:
    from cattrs.v import format_exception  # noqa: PLC0415 - kept out of start-up

    return str(error) if isinstance(error, _TypeError) else format_exception(error, kind)


def _exactly(value: Any, kind: type[Any]) -> Any:
    if kind not in _NAMES:  # an enum of texts, which cattrs takes for a text
        return kind(value)
    if type(value) is not kind:
        raise _TypeError(f"expected {_NAMES[kind]}, found {value!r:.40}")
    return value


def _number(value: Any, _kind: type[float]) -> Any:
    if isinstance(value, str):
        try:
            return number(value)
        except KeyError:
            pass
    elif isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise _TypeError(f"expected a number, found {value!r:.40}")


_NAMES: dict[type[Any], str] = {str: "a text", bool: "true or false", int: "a whole number"}
