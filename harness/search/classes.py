"""Classes: releases whose first steps are equal, and what an executed one says of its neighbours in the same class.

On a device where equal jobs give equal bits, releases fall into few classes of equal trainings, and the classes show
in the first steps. So every release is executed for a prefix, and full executions are spent on both ends of every run
of neighbours with equal prefixes. What lies between two that agree is inferred, which is no verdict: a change may
begin after the prefix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping


def runs(
    count: int, classes: Mapping[int, str], decided: Callable[[int], bool] = lambda _position: False
) -> list[list[int]]:
    """Return the runs of neighbours of one class, as positions in order.

    Args:
        count: Number of releases.
        classes: {position: its class}. A release without one is left out, and ends a run only if it is decided.
        decided: Tells of a release without a class whether it has a verdict; a skip says nothing and ends nothing.
    """
    found: list[list[int]] = []
    last: str | None = None
    for position in range(count):
        own = classes.get(position)
        if own is None:
            last = None if decided(position) else last
        elif own == last:
            found[-1].append(position)
        else:
            found.append([position])
            last = own
    return found


def stand_ins(
    count: int, classes: Mapping[int, str], states: Mapping[int, Hashable], decided: Callable[[int], bool]
) -> dict[int, int]:
    """Return {position that was not executed in full: the executed one that stands for it, the nearer one}.

    One stands for another only between two executed releases of the same run that agree.

    Args:
        count: Number of releases.
        classes: {position: its class}.
        states: {position: all that its full executions showed}.
        decided: As of `runs`.
    """
    found: dict[int, int] = {}
    for run in runs(count, classes, decided):
        executed = [position for position in run if position in states]
        for position in run:
            before = max((one for one in executed if one < position), default=None)
            after = min((one for one in executed if one > position), default=None)
            if position in states or before is None or after is None or states[before] != states[after]:
                continue
            found[position] = before if position - before <= after - position else after
    return found
