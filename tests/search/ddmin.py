"""The smallest set of changes that does what all of them do, by halving: delta debugging as a pure function.

The source of the method: A. Zeller, R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE
Transactions on Software Engineering 28(2), 2002. A set that cannot be tried is asked as None and proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Explained(Generic[T]):
    """Which changes do it.

    Attributes:
        sets: Each does it by itself, and none of its changes can be left out; most often one set of one change.
        along: Changes that had to be left out too, since the others cannot be tried with them but without the sets.
    """

    sets: tuple[tuple[T, ...], ...]
    along: tuple[T, ...] = ()


def smallest(items: Sequence[T], does: Callable[[frozenset[T]], bool | None]) -> tuple[T, ...]:
    """Return a set of changes that does it, of which no single one can be left out, in the order of `items`.

    Args:
        items: All changes together do it, none does not; at least one.
        does: Whether a set of them does it; None if it cannot be tried. It is asked about each set once.
    """
    known: dict[frozenset[T], bool | None] = {}

    def asked(several: Sequence[T]) -> bool:
        chosen = frozenset(several)
        if chosen not in known:
            known[chosen] = does(chosen)
        return known[chosen] is True

    left, parts = list(items), 2
    while len(left) > 1:
        pieces = _split(left, parts)
        piece = next((one for one in pieces if asked(one)), None)
        if piece is not None:
            left, parts = piece, 2
            continue
        others = ([item for item in left if item not in one] for one in pieces)
        rest = next((one for one in others if asked(one)), None)
        if rest is not None:
            left, parts = rest, max(parts - 1, 2)
        elif parts >= len(left):
            break
        else:
            parts = min(2 * parts, len(left))
    return tuple(left)


def explain(items: Sequence[T], does: Callable[[frozenset[T]], bool | None]) -> Explained[T]:
    """Return the changes that do it, so that without them, and with all others, it is not done.

    Args:
        items: All changes, as for `smallest`.
        does: Whether a set of them does it; None if it cannot be tried.
    """
    sets: list[tuple[T, ...]] = []
    left = list(items)
    without: bool | None = True
    while without:
        sets.append(smallest(left, does))
        left = [item for item in left if item not in sets[-1]]
        without = does(frozenset(left)) if left else False
    if without is None:
        return Explained(tuple(sets), smallest(left, lambda gone: _opposite(does(frozenset(left) - gone))))
    return Explained(tuple(sets))


def _opposite(done: bool | None) -> bool | None:
    return None if done is None else not done


def _split(items: list[T], parts: int) -> list[list[T]]:
    """Cut into `parts` pieces whose lengths differ by one at the most."""
    size, more = divmod(len(items), parts)
    ends = [(place + 1) * size + min(place + 1, more) for place in range(parts)]
    return [items[start:end] for start, end in zip([0, *ends], ends, strict=False)]
