"""What an environment holds, read from any list of it: a lock, a freeze, an interpreter, a date."""

from harness.snapshots.compare import Change, Compared, compare
from harness.snapshots.read import read
from harness.snapshots.snapshot import AsOf, Listed, Obstacle, Origin, Reason, Snapshot, known_to

__all__ = [
    "AsOf",
    "Change",
    "Compared",
    "Listed",
    "Obstacle",
    "Origin",
    "Reason",
    "Snapshot",
    "compare",
    "known_to",
    "read",
]
