"""Which requirements bind two changes, read from the metadata of the packages of both environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.locks.mixture import met, stated
from harness.search.ties import Tie

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.locks.interpreter import Interpreter
    from harness.locks.lock import Move
    from harness.locks.mixture import Requirements


def ties(changes: Sequence[Move], requirements: Requirements, interpreter: Interpreter) -> list[Tie]:
    """Return every tie between two changes; a requirement that its own environment contradicts is none.

    Args:
        changes: The changes; a tie names them by their position.
        requirements: Of the packages of both environments.
        interpreter: Its markers hold.
    """
    places = {change.name: position for position, change in enumerate(changes)}
    return list(dict.fromkeys(_ties(changes, places, requirements, interpreter)))


def _ties(
    changes: Sequence[Move], places: dict[str, int], requirements: Requirements, interpreter: Interpreter
) -> Iterator[Tie]:
    for position, change in enumerate(changes):
        for version, is_bad in ((change.before, False), (change.after, True)):
            if version is None:
                continue
            for tie, wanted in stated(change.name, version, requirements, interpreter):
                place = places.get(tie.name)
                if place is None or place == position:
                    continue
                other = changes[place]
                own, crossed = (other.after, other.before) if is_bad else (other.before, other.after)
                if not met(wanted, own) or met(wanted, crossed):
                    continue
                applied, needed = (position, place) if is_bad else (place, position)
                yield Tie(frozenset({applied}), frozenset({needed}), str(tie))
