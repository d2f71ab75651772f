"""Results of probes, addressed by digest and repeat: what is here was executed and is never executed again."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.files import to_json, whole_folder, write_atomic
from harness.probes.probe import FIRST_HASH_SEED, Execution
from harness.traces.measured import measured
from harness.traces.printed import printed_values
from harness.traces.trace import Trace, read_trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.home import Home
    from harness.probes.probe import Probe

FILES = ("trace.jsonl", "output.txt", "probe.json")
"""What a result consists of; `probe.json` comes last."""

_ABANDONED = 24 * 3600.0
"""Seconds after which an unfinished result cannot belong to a running probe."""


@dataclass(frozen=True, slots=True)
class Result:
    """What is stored of one execution.

    Attributes:
        folder: Holds `probe.json`, `trace.jsonl` and `output.txt`.
        probe: Digest.
        repeat: Which execution of the same probe.
        environment_seconds: What making its environment took.
        alone: Nothing ran beside it, in a process of its own: what the harness measures of it counts.
        hash_seed: Its PYTHONHASHSEED.
    """

    folder: Path
    probe: str
    repeat: int
    execution: Execution
    environment_seconds: float = 0.0
    alone: bool = False
    hash_seed: str = FIRST_HASH_SEED

    def trace(self) -> Trace:
        """Read its trace, as `read` does."""
        return self.read()[0]

    def read(self) -> tuple[Trace, str]:
        """Read its trace and its output.

        What it printed as `NAME=value` counts as recorded, unless that name was recorded.
        """
        output = self.output()
        trace = read_trace(self.folder / "trace.jsonl")
        execution = self.execution
        own = (
            measured(trace, seconds=execution.seconds, memory_peak=execution.memory_peak)
            if self.alone
            else {}
        )
        return replace(trace, records={**own, **printed_values(output), **trace.records}), output

    def output(self) -> str:
        """Read what it printed; bytes that are no UTF-8 are replaced."""
        path = self.folder / "output.txt"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


@dataclass(frozen=True, slots=True)
class Store:
    """The stored results of one home."""

    home: Home

    def find(self, digest: str, repeat: int = 0) -> Result | None:
        """Return the stored result, or None."""
        folder = self._folder(digest, repeat)
        try:
            facts = json.loads((folder / "probe.json").read_text(encoding="utf-8"))
            return Result(
                folder,
                digest,
                repeat,
                Execution(**facts["execution"]),
                facts["environment_seconds"],
                alone=bool(facts.get("instructions", {}).get("alone")),
                hash_seed=facts.get("hash_seed", FIRST_HASH_SEED),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @contextmanager
    def recording(self, probe: Probe) -> Iterator[Path]:
        """Yield a folder to record into; it becomes the stored result when the block ends without an error."""
        folder = self._folder(probe.digest, probe.repeat)
        if folder.exists() and self.find(probe.digest, probe.repeat) is None:
            shutil.rmtree(folder)  # damaged: whatever it holds cannot be read
        with whole_folder(folder) as new:
            yield new

    def save(
        self, folder: Path, probe: Probe, execution: Execution, output: bytes, environment_seconds: float
    ) -> None:
        """Write what belongs to a result into its recording folder; `probe.json` comes last."""
        write_atomic(folder / "output.txt", output)
        facts = {
            "lock": probe.lock,
            "job": probe.job_digest,
            "parameters": dict(probe.parameters),
            "seed": probe.seed,
            "device": probe.device,
            "repeat": probe.repeat,
            "hash_seed": probe.hash_seed,
            "instructions": dict(probe.instructions),
            "command": list(probe.command),
            "packages": dict(probe.packages),
            "execution": execution.to_dict(),
            "environment_seconds": environment_seconds,
            "sums": {name: sha256(folder / name) for name in FILES[:2] if (folder / name).exists()},
        }
        write_atomic(folder / "probe.json", to_json(facts))

    def receive(self, digest: str, repeat: int, files: Mapping[str, bytes]) -> Result | None:
        """Take in a result that was recorded elsewhere; one that is stored already stays.

        Args:
            digest: Of the probe.
            repeat: Which execution.
            files: Their content, by the names in `FILES`.

        Returns:
            What is stored now; None if what came cannot be read.
        """
        folder = self._folder(digest, repeat)
        if folder.exists() and self.find(digest, repeat) is None:
            shutil.rmtree(folder)  # damaged: whatever it holds cannot be read
        with whole_folder(folder) as new:
            for name in FILES:
                if name in files:
                    write_atomic(new / name, files[name])
        return self.find(digest, repeat)

    def discard(self, result: Result) -> None:
        """Forget a result that is no evidence, so that its probe is executed again."""
        shutil.rmtree(result.folder)

    def clear_leftovers(self) -> None:
        """Remove unfinished recordings that a killed run left behind."""
        for path in self.home.probes.glob("*/.*.tmp"):
            if time.time() - path.stat().st_mtime > _ABANDONED:
                shutil.rmtree(path, ignore_errors=True)

    def _folder(self, digest: str, repeat: int) -> Path:
        return self.home.probes / digest[:32] / str(repeat)


def sha256(path: Path) -> str:
    """Return the digest of a file's bytes, by which a damaged copy is known."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
