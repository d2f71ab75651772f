"""What goes between a run and a worker: an order there, an answer back.

Both sides must be the same code, which is checked before an order is opened.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harness.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.locks.lock import Lock
    from harness.locks.torch import TorchSource
    from harness.probes.probe import Probe
    from harness.scenario import Scenario


@dataclass(frozen=True, slots=True)
class About:
    """What all orders of a run have in common.

    Attributes:
        run: Identifies the run.
        base, reference: As `Session` has them.
        scenario: Its folder is the asking machine's.
        package: Canonical name of the package under test.
        torch: Where torch comes from, as the asking machine decided; a host's torch is the worker's own.
        cap: Bytes that all of the worker's environments together may take.
        isolation: How far probes are shut off, as `choose_isolation` takes it.
        memory: Bytes that a process of a probe may take; None for what the worker's machine has.
    """

    run: str
    base: Lock
    reference: Lock
    scenario: Scenario
    package: str
    torch: TorchSource
    cap: int
    isolation: str = "auto"
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One probe to be executed.

    Attributes:
        warm: Whether a warm start is allowed.
        files: The scenario's folder, packed; None for a worker that is expected to have it.
    """

    about: About
    probe: Probe
    lock: Lock
    warm: bool
    files: bytes | None = None


class Kind(StrEnum):
    """What an answer is."""

    RESULT = "result"
    NOT_EXECUTED = "not executed"
    NEEDS_FILES = "needs files"
    UNFIT = "unfit"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an order.

    Attributes:
        kind: `unfit` says that this worker can execute nothing of the run.
        worker: Its address.
        reason: Why there is no result.
        files: The result's files by name.
        host: Name of the worker's machine.
        processor: Name of its processor.
        notes: What a reader of the report must know of this worker.
    """

    kind: Kind
    worker: str
    reason: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    host: str = ""
    processor: str = ""
    notes: tuple[str, ...] = ()


@cache
def identity() -> str:
    """Return version and digest of this harness's code: traces of two recorders are not compared."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return f"{__version__} (code {digest.hexdigest()[:12]})"


def pack(scenario: Scenario) -> bytes:
    """Return all that the job may read, as `Scenario.job_digest` counts it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in scenario.files():
            archive.write(path, path.relative_to(scenario.folder).as_posix())
    return buffer.getvalue()


def unpack(files: bytes, folder: Path) -> None:
    """Put what was packed into a folder."""
    with zipfile.ZipFile(io.BytesIO(files)) as archive:
        archive.extractall(folder)
