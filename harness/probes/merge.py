"""Homes become one: the union of their results and locks, which are addressed by what they answer.

What two state directories have under the same address must say the same, times aside. Where it does not, the state directory that is
merged into keeps what it had, the other one's is kept apart in `conflicts/`, and both are told. Every entry is
taken in whole or not at all, so a merge that was interrupted is simply done again.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.files import put_aside, read_json, read_regular, to_json, write_atomic
from harness.locks.files import lock_content
from harness.probes.store import FILES, Damaged, Result, Store, repeat_of
from harness.state import State
from harness.traces.census import census_digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_PARTS = ("probes", "locks", "listings")
"""Folders by which a state directory is known."""
_DIGEST = re.compile(r"[0-9a-f]{32}")
_LOCK = re.compile(r"[0-9a-f]{32}\.txt")
_BESIDE = ("execution", "environment_seconds", "sums", "sum", "packages")
"""Facts of a result that differ from one execution to the next, and what older harnesses did not write down."""


@dataclass(slots=True)
class Merged:
    """What a merge did.

    Attributes:
        results, locks: How many were new.
        known: How many results and locks were there already and say the same.
        conflicts: What contradicts what was there, a line each.
        damaged: What cannot be read and was left out or replaced, a line each.
        devices: Names of the processors or GPUs that the results were measured on.
    """

    results: int = 0
    locks: int = 0
    known: int = 0
    conflicts: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    devices: set[str] = field(default_factory=set)


def merge(sources: Sequence[Path], state: State) -> Merged:
    """Take the results and locks of other state directories into `state directory`.

    Args:
        sources: Homes, or folders with a `.harness` in them; those that come first win.
        state: Where to; it need not exist.

    Raises:
        UsageError: A source is no state directory, or is `state directory` itself; nothing is merged then.
    """
    homes = [_state(source) for source in sources]
    for source, other in zip(sources, homes, strict=True):
        if other.root.resolve() == state.root.resolve():
            raise UsageError(
                f"{source}: cannot be merged into itself; name another state directory with --into"
            )
    done = Merged()
    for other in homes:
        for digest, repeat in _entries(other):
            _take_result(Store(other), Store(state), digest, repeat, done)
        for path in sorted(other.locks.glob("*.txt")):
            _take_lock(path, state, done)
    return done


def _state(source: Path) -> State:
    for root in (source, source / ".harness"):
        if any((root / part).is_dir() for part in _PARTS):
            return State(root.absolute())
    parts = ", ".join(f"{part}/" for part in _PARTS)
    raise UsageError(
        f"{source}: not a state directory of the harness; expected a folder with one of {parts} in it"
    )


def _entries(state: State) -> Iterator[tuple[str, int]]:
    """Return address and repeat of all results, unfinished ones (which begin with a dot) left out."""
    for folder in sorted(state.probes.glob("*/*")):
        repeat = repeat_of(folder)
        if _DIGEST.fullmatch(folder.parent.name) and repeat is not None:
            yield folder.parent.name, repeat


def _take_result(theirs: Store, mine: Store, digest: str, repeat: int, done: Merged) -> None:
    found = _readable(theirs, digest, repeat, "left out", done)
    if found is None:
        return
    said, device = _said(found)
    done.devices |= {device} if device else set()
    before = _readable(mine, digest, repeat, "replaced", done)
    if before is not None and _said(before)[0] == said:
        done.known += 1
        return
    target = mine
    if before is not None:
        target = Store(State(mine.state.conflicts / said[:16]))
        done.conflicts.append(
            f"{before.folder} and {found.folder} differ; the latter is in {target.state.root}"
        )
    files = {name: found.folder / name for name in FILES}
    target.receive(
        digest, repeat, {name: path.read_bytes() for name, path in files.items() if path.is_file()}
    )
    done.results += before is None


def _readable(store: Store, digest: str, repeat: int, otherwise: str, done: Merged) -> Result | None:
    """Return a stored result if it is whole; else tell it, and take it away where it is to be replaced."""
    folder = store.state.probes / digest / str(repeat)
    found = store.look(digest, repeat)
    if found is None:
        return None
    if any(path.is_symlink() for path in (folder.parent, folder, *(folder / name for name in FILES))):
        found = Damaged("it is a link, or has one")  # which may lead to any file of this machine
    if isinstance(found, Result):
        try:
            found.trace()
        except (KeyError, TypeError, ValueError):
            found = Damaged("trace.jsonl cannot be read")
        else:
            return found
    done.damaged.append(f"{folder}: {found.reason}; {otherwise}")
    if otherwise == "replaced":
        put_aside(folder, store.state.root, "result", otherwise)
    return None


def _said(result: Result) -> tuple[str, str]:
    """Return a digest of all in a result that a verdict or a comparison can rest on, and its device's name."""
    facts = read_json(result.folder / "probe.json")
    trace = result.trace()
    error = trace.error or {}
    decisive = [
        {key: value for key, value in facts.items() if key not in _BESIDE},
        *(result.execution.ended, result.execution.code),
        *(trace.digest(), census_digest(trace.census), trace.identity, trace.training),
        *([error.get(key) for key in ("exception", "step", "phase", "out_of_memory")]),
        (trace.end or {}).get("reason"),
    ]
    device = str((trace.start or {}).get("device_name") or "")
    return hashlib.sha256(to_json(decisive).encode()).hexdigest(), device


def _take_lock(path: Path, state: State, done: Merged) -> None:
    mine = state.locks / path.name
    text = _text(path) if _LOCK.fullmatch(path.name) and not path.is_symlink() else ""
    content = lock_content(text)
    if content is None:
        done.damaged.append(f"{path}: not a lock, or not as it was stored; left out")
        return
    if not mine.exists():
        write_atomic(mine, text)
        done.locks += 1
    elif (own := lock_content(_text(mine))) is None:
        done.damaged.append(f"{mine}: not a lock, or not as it was stored; replaced")
        write_atomic(mine, text)
    elif own == content:
        done.known += 1
    else:
        apart = state.conflicts / hashlib.sha256(text.encode()).hexdigest()[:16] / "locks" / path.name
        write_atomic(apart, text)
        done.conflicts.append(f"{mine} and {path} differ; the latter is in {apart.parent.parent}")


def _text(path: Path) -> str:
    """Return the text of a file; nothing of what cannot be read, or is no plain file."""
    try:
        return read_regular(path).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""
