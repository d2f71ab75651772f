"""Words that depend on a number."""

from __future__ import annotations


def counted(number: int, noun: str, several: str = "") -> str:
    """Return a number with its noun: `1 release`, `3 releases`, `0 releases`.

    Args:
        number: How many.
        noun: Of one.
        several: Of any other number; the noun with an s if left out.
    """
    return f"{number} {noun if number == 1 else several or f'{noun}s'}"


def from_to(first: str, last: str) -> str:
    """Return the ends of a range: `1.0 to 2.0`, or `1.0` where it holds that alone."""
    return first if first == last else f"{first} to {last}"
