"""State directories of tests, each with results of its own, and with environments that others made."""

from __future__ import annotations

import os
from pathlib import Path


def own_state(folder, other=None):
    """Make a state directory that shares the environments of another one, and return its path as text.

    An environment has the digest of its lock for an address, so whichever test made it, it is the same. To make the
    environments anew would take longer than most of what a test executes in them.

    Args:
        folder: Where to; it may exist.
        other: The other one; the present one if left out.
    """
    shared = Path(other or os.environ["HARNESS_HOME"]).absolute() / "environments"
    shared.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "environments").is_symlink():
        (folder / "environments").symlink_to(shared.resolve())
    return str(folder)
