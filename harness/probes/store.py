"""Results of probes, addressed by digest and repeat: what is here was executed and is never executed again."""

from __future__ import annotations

import hashlib
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.files import (
    clear_leftovers,
    put_aside,
    read_json,
    read_regular,
    to_json,
    whole_folder,
    write_atomic,
)
from harness.probes.probe import FIRST_HASH_SEED, Execution
from harness.traces.measured import measured
from harness.traces.printed import printed_values
from harness.traces.rank import outputs_of
from harness.traces.read import read_trace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from harness.probes.probe import Probe
    from harness.state import State
    from harness.traces.trace import Trace

FILES = ("trace.jsonl", "output.txt", "probe.json")
"""What a result consists of; `probe.json` comes last."""
_REPEAT = re.compile(r"0|[1-9][0-9]{0,8}")


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

        What it printed under a name (`printed_values` tells the forms) counts as recorded, unless that name was recorded.
        """
        output = self.output()
        trace = read_trace(self.folder / "trace.jsonl")
        execution = self.execution
        own = (
            measured(trace, seconds=execution.seconds, memory_peak=execution.memory_peak)
            if self.alone
            else {}
        )
        return replace(trace, records={**own, **printed(output), **trace.records}), output

    def output(self) -> str:
        """Read what it printed; bytes that are no UTF-8 are replaced."""
        try:
            return read_regular(self.folder / "output.txt").decode("utf-8", "replace")
        except (FileNotFoundError, ValueError):
            return ""


@dataclass(frozen=True, slots=True)
class Damaged:
    """A stored result that is not as it was stored; `reason` says which file."""

    reason: str


class DamageError(Exception):
    """A file is not as it was stored; carries which."""


@dataclass(frozen=True, slots=True)
class Store:
    """The stored results of one state directory.

    Attributes:
        notes: What a reader of the report must know: which results were damaged.
        distrusted: Ways to start a process (`warm`) whose results are no evidence here: they are forgotten.
    """

    state: State
    notes: list[str] = field(default_factory=list, compare=False)
    distrusted: set[str] = field(default_factory=set, compare=False)
    _whole: dict[Path, list[tuple[int, ...]]] = field(default_factory=dict, repr=False, compare=False)

    def find(self, digest: str, repeat: int = 0) -> Result | None:
        """Return the stored result, or None; a damaged one is put aside, so that it is executed again."""
        found = self.look(digest, repeat)
        if isinstance(found, Damaged):
            note = put_aside(self._folder(digest, repeat), self.state.root, "result", "is executed again")
            self.notes.append(f"{note} ({found.reason})")
            return None
        if found is not None and found.execution.start in self.distrusted:
            self.discard(found)
            return None
        return found

    def look(self, digest: str, repeat: int = 0, *, sums: bool = True) -> Result | Damaged | None:
        """Return the stored result, or what is wrong with it, or None; nothing is changed.

        Args:
            digest: Of the probe.
            repeat: Which execution.
            sums: Whether all of its files are held against the sums that were stored with them.
        """
        folder = self._folder(digest, repeat)
        if not folder.is_dir():
            return None
        try:
            facts = _facts(folder)
            result = Result(
                folder,
                digest,
                repeat,
                Execution.of(facts["execution"]),
                facts["environment_seconds"],
                alone=bool(facts.get("instructions", {}).get("alone")),
                hash_seed=facts.get("hash_seed", FIRST_HASH_SEED),
            )
            stamps = [_stamp(folder / name) for name in FILES]
            if sums and self._whole.get(folder) != stamps:
                _check_sums(folder, facts)
                self._whole[folder] = stamps
        except FileNotFoundError as error:
            return Damaged(f"{Path(error.filename or '').name} is missing") if folder.is_dir() else None
        except DamageError as error:
            return Damaged(str(error))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Damaged("probe.json cannot be read")
        return result

    @contextmanager
    def recording(self, probe: Probe) -> Iterator[Path]:
        """Yield a folder to record into; it becomes the stored result when the block ends without an error."""
        folder = self._folder(probe.digest, probe.repeat)
        self.find(probe.digest, probe.repeat)  # which puts aside what is damaged
        with whole_folder(folder) as new:
            yield new

    def being_recorded(self, digest: str) -> list[Path]:
        """Return the folders into which a probe is being recorded, by this process or another one."""
        return list(self._folder(digest, 0).parent.glob(".*.tmp"))

    def save(
        self, folder: Path, probe: Probe, execution: Execution, output: bytes, environment_seconds: float
    ) -> None:
        """Write what belongs to a result into its recording folder; `probe.json` comes last."""
        for name in FILES[:2]:
            _only_plain(folder / name)
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
            **({"ranks": probe.ranks} if probe.ranks > 1 else {}),
            "execution": execution.to_dict(),
            "environment_seconds": environment_seconds,
            "sums": {name: sha256(folder / name) for name in FILES[:2] if (folder / name).exists()},
        }
        write_atomic(folder / "probe.json", to_json({**facts, "sum": _sum(facts)}))

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
        self.find(digest, repeat)  # which puts aside what is damaged
        with whole_folder(folder) as new:
            for name in FILES:
                if name in files:
                    write_atomic(new / name, files[name])
        return self.find(digest, repeat)

    def adopt(self, result: Result, probe: Probe) -> None:
        """Keep a result as that of another probe too, of which it says as much; one that is stored already stays."""
        if self.find(probe.digest, probe.repeat) is not None:
            return
        with self.recording(probe) as folder:
            trace = result.folder / "trace.jsonl"
            if trace.exists():
                shutil.copyfile(trace, folder / "trace.jsonl")
            output = read_regular(result.folder / "output.txt")
            self.save(folder, probe, result.execution, output, result.environment_seconds)

    def discard(self, result: Result) -> None:
        """Forget a result that is no evidence, so that its probe is executed again."""
        shutil.rmtree(result.folder)

    def discard_since(self, locks: Collection[str], moment: float) -> int:
        """Forget the results of some environments that were stored since a moment; return how many.

        Args:
            locks: Digests of the environments' locks.
            moment: Seconds since the epoch.
        """
        count = 0
        for path in self.state.probes.glob("*/*/probe.json"):
            try:
                facts = read_json(path)
                if facts["lock"] in locks and path.stat().st_mtime >= moment:
                    shutil.rmtree(path.parent)
                    count += 1
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return count

    def clear_leftovers(self) -> None:
        """Remove what killed runs left unfinished: recordings, environments, listings, and temporary files."""
        root = self.state.root
        clear_leftovers(
            [root, *self.state.probes.glob("*"), *(one for one in root.glob("*") if one.is_dir())]
        )

    def _folder(self, digest: str, repeat: int) -> Path:
        return self.state.probes / digest[:32] / str(repeat)


def printed(output: str) -> dict[str, Sequence[float | None]]:
    """Return what an output holds under names; of ranks other than the first one as `NAME@RANK`."""
    outputs = outputs_of(output)
    if not outputs:
        return dict(printed_values(output))
    return {
        f"{name}@{rank}" if rank else name: values
        for rank, text in outputs.items()
        for name, values in printed_values(text).items()
    }


def repeat_of(folder: Path) -> int | None:
    """Return which repeat the folder of a result holds, or None if it is no result's; `isdigit` takes ² for a digit."""
    return int(folder.name) if _REPEAT.fullmatch(folder.name) else None


def _facts(folder: Path) -> dict[str, Any]:
    """Read `probe.json`, which carries a sum of its own.

    Raises:
        DamageError: It is not as it was stored.
    """
    facts: dict[str, Any] = read_json(folder / "probe.json")
    if facts.pop("sum", None) not in {None, _sum(facts)}:
        raise DamageError("probe.json is not as it was stored")
    return facts


def _check_sums(folder: Path, facts: Mapping[str, Any]) -> None:
    """Complain of a file that is not as it was stored; results of older harnesses carry no sums."""
    for name, expected in facts.get("sums", {}).items():
        path = folder / name
        if name not in FILES or not path.is_file() or sha256(path) != expected:
            raise DamageError(f"{name} is not as it was stored")


def _only_plain(path: Path) -> None:
    """Remove what a job put in place of a file that is recorded: a link, a pipe or a folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    elif path.is_symlink() or (path.exists() and not path.is_file()):
        path.unlink()


def _sum(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(to_json(facts).encode("utf-8", "replace")).hexdigest()


def _stamp(path: Path) -> tuple[int, ...]:
    """Return what changes when a file does; nothing for one that is missing."""
    try:
        facts = path.stat()
    except OSError:
        return ()
    return (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)


def sha256(path: Path) -> str:
    """Return the digest of a file's bytes, by which a damaged copy is known.

    Raises:
        ValueError: It is no plain file.
    """
    return hashlib.sha256(read_regular(path)).hexdigest()
