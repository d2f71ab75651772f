"""A probe is one execution of one arm, with one seed, in one environment, on one device."""

from __future__ import annotations

import hashlib
import json
import signal
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.recording import RECORDER, recorder_version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.model.values import Setting
    from harness.traces.trace import Trace

HASH_SEED = "PYTHONHASHSEED"
"""Variable by which Python decides the hashes of text, and so the order of a set of texts."""

FIRST_HASH_SEED = "0"
"""Of first executions. A repeat's hash seed is its number, so what depends on the hash seed differs between them."""

HANG_AFTER = 30.0
"""Seconds without any work of all ranks after which they hang, unless a scenario says otherwise."""

RANDOM = "random"
"""The hash seed that differs from process to process."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What is to be executed.

    Attributes:
        lock: Digest of the environment's lock.
        job: The script; None for a command that runs no script of Python's by itself.
        job_digest: Digest of all that the script may read.
        parameters: Settings handed to the script, as `--name value`.
        seed: Handed over as `--seed`.
        device: `cpu` or `cuda`, handed over as `--device`.
        threads: CPU threads, handed over as `--threads`.
        timeout: Seconds until it is ended.
        repeat: 0 for the first execution; further executions of the same probe count up.
        instructions: What the recorder is asked besides, as `harness_recorder.instructions` tells.
        command: What is run in place of the script with its settings; none: the script.
        folder: Working folder; None for a scratch folder.
        online: Whether the network may be used.
        variables: Environment variables that are set besides; they belong to the digest of the job.
        packages: {name: version} of what the lock holds, kept with the result; the lock's digest stands for it.
        goes_on: Is handed the trace of a prefix at its end, and tells whether the training goes on; None: it does not.
            It decides how much is measured, never what.
        ranks: How many processes the job is started as, each with a rank of its own.
        hang_after: Seconds without any work of all ranks after which they hang.
    """

    lock: str
    job: Path | None
    job_digest: str
    parameters: Mapping[str, Setting] = field(hash=False)
    seed: int = 0
    device: str = "cpu"
    threads: int = 1
    timeout: float = 600.0
    repeat: int = 0
    instructions: Mapping[str, Any] = field(default_factory=dict, hash=False)
    command: tuple[str, ...] = ()
    folder: Path | None = None
    online: bool = False
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    packages: Mapping[str, str] = field(default_factory=dict, hash=False)
    goes_on: Callable[[Trace], bool] | None = field(default=None, compare=False, hash=False)
    ranks: int = 1
    hang_after: float = HANG_AFTER

    @property
    def digest(self) -> str:
        """Address of its result: everything that decides what is measured, the repeat left out."""
        facts = [
            *(self.lock, self.job_digest, sorted(self.parameters.items()), self.seed, self.device),
            *(self.threads, recorder_version(), self.instructions),
            *((self.ranks,) if self.ranks > 1 else ()),
        ]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def hash_seed(self) -> str:
        """Its PYTHONHASHSEED: the one that was asked for, by a variable or an instruction, else by its repeat."""
        asked = self.variables.get(HASH_SEED, self.instructions.get("hash_seed"))
        if asked is None:
            return str(self.repeat or FIRST_HASH_SEED)
        return str(asked) or RANDOM  # what Python takes an empty one for

    def arguments(self) -> list[str]:
        """Return the command line of the job's script, without the interpreter."""
        words = [str(self.job)]
        if self.command:
            return [*words, *self.command[2:]]
        pairs = {**self.parameters, "seed": self.seed, "device": self.device, "threads": self.threads}
        for name, value in pairs.items():
            words += [f"--{name}", str(value)]
        return words

    def command_line(self, python: Path) -> list[str]:
        """Return the whole command line in an environment, given by its interpreter."""
        if self.command[:1] == ("pytest",):  # as a module: the path may lead to another environment's program
            return [str(python), "-m", *self.command]
        if self.job is None:
            return list(self.command)
        return [str(python), str(RECORDER / "harness_run.py"), *self.arguments()]


@dataclass(frozen=True, slots=True)
class Execution:
    """How a probe's process ended; what it measured is in its trace.

    Attributes:
        ended: `exit`, `signal` or `timeout`.
        code: Exit status, or the signal's number.
        seconds: From start to end.
        memory_peak: Most bytes resident in its process or in one of those that it waited for, whichever held more.
            A script that comes to its end measures it itself. Of other ends and of commands it is None below the
            harness's own size, from which Linux counts a process that it started.
        attempts: 2 if the first attempt was ended from outside and it was tried again.
        start: `clean`, a fresh interpreter, or `warm`, forked from one that had loaded the shared libraries.
        isolation: What was shut off of it besides its environment variables, names of `harness.probes.isolation.PARTS`.
    """

    ended: str
    code: int
    seconds: float
    memory_peak: int | None
    attempts: int = 1
    start: str = "clean"
    isolation: tuple[str, ...] = ()

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Execution:
        """Return the execution whose `to_dict` is given; what an older harness did not store keeps its default."""
        return cls(**{**facts, "isolation": tuple(facts.get("isolation", ()))})

    def to_dict(self) -> dict[str, Any]:
        """Return all fields."""
        return {name: getattr(self, name) for name in self.__slots__}

    def ended_as(self, status: int) -> Execution:
        """Return it with the end of another process: an exit status, or -signal."""
        return replace(self, ended="signal" if status < 0 else "exit", code=abs(status))

    def ended_from_outside(self, trace: Trace) -> str:
        """Return why the probe was ended by something other than its own code, or an empty string."""
        if self.ended == "timeout":
            return f"out of time after {self.seconds:.0f} s"
        if self.ended == "signal":
            name = next((item.name for item in signal.Signals if item == self.code), str(self.code))
            return f"killed by {name}" + (", as when memory runs out" if name == "SIGKILL" else "")
        if trace.error is not None and trace.error.get("out_of_memory"):
            return f"out of memory: {first_line(trace.error.get('message', ''))}"
        if trace.error is not None and trace.error.get("no_space"):
            return f"no disk space left: {first_line(trace.error.get('message', ''))}"
        return ""

    def starved(self, trace: Trace) -> bool:
        """Tell whether the machine's lack of memory or disk space ended the probe, as far as that can be known."""
        killed = self.ended == "signal" and self.code == signal.SIGKILL
        error = trace.error or {}
        return killed or bool(error.get("out_of_memory") or error.get("no_space"))

    def last_words(self, output: str) -> str:
        """Return the last line of what the probe printed."""
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        return first_line(lines[-1]) if lines else f"exit status {self.code} and no output"


def first_line(message: str) -> str:
    """Return the first line of a message, cut at 300 characters."""
    first = message.strip().splitlines()[0] if message.strip() else ""
    return first if len(first) <= 300 else first[:299] + "…"
