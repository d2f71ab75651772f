"""Values of the model as plain JSON types, and back: one converter for all of them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from harness.model.question import Setting

if TYPE_CHECKING:
    import cattrs

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
        raise ValueError("; ".join(transform_error(error))) from None
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{kind.__name__} cannot be read: {error}") from None


@cache
def _converter() -> cattrs.Converter:
    from cattrs import Converter  # noqa: PLC0415 - kept out of start-up

    made = Converter(unstruct_collection_overrides={tuple: list})
    made.register_structure_hook_func(lambda kind: kind == Setting, lambda value, _kind: value)
    return made
