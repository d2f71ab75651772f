"""What a night tells: events, the headline, the exit status.

| kind           | tells | exit status |
|----------------|-------|-------------|
| `regressed`    | a release, or a dependency that moved, broke an arm: confirmed, and not known before | 1 |
| `fault`        | something around the probes failed: the index, the disk, a source that cannot be built | 4 |
| `inconclusive` | something broke and nobody can tell where, or what of the moved packages did it, or no release is good | 3 |
| `fixed`        | an arm that was broken is good again | 0 |
| `changed`      | an arm stays what it was, good or bad, and trains otherwise: census or trace | 0 |
| `flaky`        | executions of one release disagree: no alarm | 0 |
| `skip`, `given up` | a release has no verdict, told on the first and on the last night that it is tried | 0 |
| `yanked`, `restored`, `gone` | what the index did to a release that is known | 0 |
| `pins`         | the packages that all environments share are others than last night | 0 |
| `located`      | a boundary that is known is located more precisely | 0 |
| `baseline`     | a baseline was proposed | 0 |
| `release`      | a new release changes nothing | 0 |
| `left`         | a release waits for the next night: the budget is spent | 0 |

The gravest event stands above and gives the exit status.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.history.facts import Event

KINDS = (
    *("regressed", "fault", "inconclusive", "fixed", "changed", "flaky", "skip", "given up"),
    *("yanked", "restored", "gone", "pins", "located", "baseline", "release", "left"),
)
"""The gravest first."""

_CODES = {"regressed": 1, "fault": 4, "inconclusive": 3}


def code(events: Sequence[Event]) -> int:
    """Return the exit status of a night."""
    return next((_CODES[kind] for kind in _CODES if any(event.kind == kind for event in events)), 0)


def ranked(events: Sequence[Event]) -> list[Event]:
    """Return the events, the gravest first; those of a kind stay in order."""
    return sorted(events, key=lambda event: KINDS.index(event.kind))


def headline(events: Sequence[Event]) -> str:
    """Return the night in one line."""
    if not events:
        return "Ran, nothing new."
    first = ranked(events)[0]
    if first.kind == "regressed":
        alarms = len({(event.arm, event.text) for event in events if event.kind == "regressed"})
        more = f" (and {alarms - 1} more)" if alarms > 1 else ""
        return f"New regression{more}: {first.text}"
    if first.kind == "fault":
        return f"Not all could be looked at: {first.text}"
    if first.kind == "inconclusive":
        return f"Inconclusive: {first.text}"
    if first.kind == "fixed":
        return f"Fixed: {first.text}"
    count = Counter(event.kind for event in events)
    told = ", ".join(f"{count[kind]} {kind}" for kind in KINDS if count[kind])
    return f"No regression ({told}): {first.text}"
