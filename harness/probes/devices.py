"""Which GPUs probes may use, found without torch, and which one each running probe has to itself."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_VARIABLE = "CUDA_VISIBLE_DEVICES"
_DRIVER = Path("/proc/driver/nvidia/gpus")
_GPU = re.compile(r"GPU \d+: (?P<model>.+) \(UUID: (?P<uuid>GPU-[^)]+)\)")
_PART = re.compile(r"\s+MIG (?P<model>\S+).*\(UUID: (?P<uuid>MIG-[^)]+)\)")


class Devices:
    """Lends devices, to each probe the one that the fewest others use.

    Args:
        names: As CUDA_VISIBLE_DEVICES takes them; none where there is nothing to choose.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names = tuple(names)
        self._lent: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def lease(self, count: int = 1) -> Iterator[dict[str, str]]:
        """Yield the variables under which a probe sees its devices alone, from device 0 on.

        Args:
            count: One for each rank; where there are fewer, all of them.
        """
        if not self.names:
            yield {}
            return
        with self._lock:
            names = sorted(self.names, key=lambda one: self._lent[one])[:count]
            self._lent.update(names)
        try:
            yield {_VARIABLE: ",".join(names)}
        finally:
            with self._lock:
                self._lent.subtract(names)


def visible(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the devices that may be used: those that the user names, else all of the machine that are alike.

    GPUs of another model than the first one are left alone, for a probe would leave another trace there.

    Args:
        environ: Environment variables; None reads the process's own.
    """
    named = (os.environ if environ is None else environ).get(_VARIABLE)
    if named is not None:
        return chosen(named)
    try:
        done = subprocess.run(["nvidia-smi", "-L"], check=True, capture_output=True, text=True, timeout=60)
        return alike(done.stdout)
    except (OSError, subprocess.SubprocessError):
        return alike("".join(map(_described, sorted(_DRIVER.glob("*/information")))))


def chosen(named: str) -> list[str]:
    """Return the devices of a CUDA_VISIBLE_DEVICES; as in CUDA, what follows -1 does not count."""
    names = [name.strip() for name in named.split(",")]
    stop = next((place for place, name in enumerate(names) if name in {"", "-1"}), len(names))
    return list(dict.fromkeys(names[:stop]))


def alike(listing: str) -> list[str]:
    """Return the devices of the first one's model, of a GPU in parts (MIG) its parts.

    Args:
        listing: What `nvidia-smi -L` prints.
    """
    found: list[tuple[str, str]] = []
    whole = False  # the last device is a GPU without parts so far
    for line in listing.splitlines():
        part = _PART.match(line)
        if part and whole:
            found.pop()
        match = part or _GPU.match(line)
        if match:
            found.append((match["model"], match["uuid"]))
            whole = part is None
    return [uuid for model, uuid in found if model == found[0][0]]


def _described(path: Path) -> str:
    """Return one GPU, as the driver tells of it, in the words of `nvidia-smi -L`."""
    facts = dict(re.findall(r"^([^:]+):\s*(.*\S)", path.read_text(encoding="utf-8"), re.MULTILINE))
    return f"GPU 0: {facts.get('Model', '')} (UUID: {facts.get('GPU UUID', '')})\n"
