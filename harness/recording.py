"""The recorder as files: what a job imports, and which version of it that is."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

RECORDER = Path(__file__).resolve().parent / "recorder"
"""Folder that is put on a job's path; it holds the package `harness_recorder`."""


@cache
def recorder_version() -> str:
    """Return a digest of the recorder's code: traces of two versions are not compared."""
    digest = hashlib.sha256()
    for path in sorted(RECORDER.rglob("*.py")):
        digest.update(path.relative_to(RECORDER).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
