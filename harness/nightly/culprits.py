"""The sentences about moved packages: `dependency helper 1.0 -> 2.0 broke plain: …`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.locks.lock import Move
    from harness.nightly.answer import Answered
    from harness.nightly.moved import Blamed


def broke(blamed: Blamed, arm: str, state: str, answered: Answered | None) -> str:
    """Say which moved packages broke an arm, or why nobody can tell.

    Args:
        blamed: What was found.
        arm: Name.
        state: What the baseline is now, in a few words.
        answered: The run about the culprit.
    """
    if blamed.elsewhere:
        return f"{state}; no moved package did it: {blamed.undecided}"
    if not blamed.sets:
        return f"{state}, and which of the moved packages did it cannot be told: {blamed.undecided}"
    return f"{_named(blamed, 'broke', arm)}: {state}; {_tried(blamed, 'bad', 'good')}{_located(blamed, arm, answered)}"


def changed(blamed: Blamed, arm: str, head: str, answered: Answered | None) -> str:
    """Say which moved packages made the baseline train otherwise; the arguments are those of `broke`."""
    said = f"{head} trains otherwise with the moved packages, and stays good"
    if not blamed.sets:
        return f"{said}; which of them did it cannot be told: {blamed.undecided}"
    said = f"{head} trains otherwise, and stays good"
    tried = _tried(blamed, "otherwise", "as before")
    return f"{_named(blamed, 'changed', arm)}: {said}; {tried}{_located(blamed, arm, answered)}"


def sides(blamed: Blamed) -> tuple[str, str] | None:
    """Return what did it as the two sides of a boundary, `helper 1.0` and `helper 2.0`; None if nobody can tell."""
    moves = [move for several in blamed.sets for move in several]
    before, after = (
        " and ".join(f"{move.name} {version or 'absent'}" for move, version in both)
        for both in (
            [(move, move.before) for move in moves],
            [(move, move.after) for move in moves],
        )
    )
    return (before, after) if moves else None


def _named(blamed: Blamed, did: str, arm: str) -> str:
    first, *others = (_several(one, apart=one not in blamed.units) for one in blamed.sets)
    more = "".join(f", and so did {one}" for one in others)
    return f"{first} {did} {arm}{more}" + (", each by itself" if others else "")


def _several(moves: Sequence[Move], *, apart: bool) -> str:
    if len(moves) == 1:
        return f"dependency {moves[0]}"
    *most, last = map(str, moves)
    together = " together" if apart else ", which cannot be had apart,"
    return f"dependencies {', '.join(most)} and {last}{together}"


def _tried(blamed: Blamed, new: str, old: str) -> str:
    what = "that" if len(blamed.sets) == 1 else "either of them" if len(blamed.sets) == 2 else "each of them"
    along = f" but {', '.join(map(str, blamed.along))}, which cannot be had apart," if blamed.along else ""
    return f"with {what} alone moved it is {new}, with all else{along} moved {old}, at least twice each"


def _located(blamed: Blamed, arm: str, answered: Answered | None) -> str:
    """Say between which releases of the culprit it is, if there were some between those of the two nights."""
    move = blamed.single
    if answered is None or move is None or Version(str(move.after)) < Version(str(move.before)):
        return ""  # of a package that moved back, the run tells the releases the other way round
    places = {(one.before, one.after) for one in answered.arm(arm).boundaries if one.confirmed}
    if len(places) != 1 or places == {(move.before, move.after)}:
        return ""
    ((last, first),) = places
    return f"; of its releases {first} did it, {last} did not"
