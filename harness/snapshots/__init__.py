"""What an environment holds, read from any list of it: a lock, a freeze, an interpreter, a date."""

from harness.snapshots.read import read
from harness.snapshots.snapshot import AsOf, Listed, Obstacle, Origin, Reason, Snapshot, known_to

__all__ = [
    "AsOf",
    "Listed",
    "Obstacle",
    "Origin",
    "Reason",
    "Snapshot",
    "known_to",
    "read",
]
