"""What is ended leaves nothing behind: no process, and nobody who holds the device."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from harness.model.question import Job
from harness.selftest.summary import State
from harness.verdicts.verdict import SkipKind
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.probes.store import Store
    from harness.selftest.bench import Bench
    from harness.selftest.releases import Found

_DRIVERS = ("/dev/nvidia-uvm", "/dev/kfd")
"""What a process holds open that uses a GPU, as `harness_warm.DRIVERS`."""
_LIMITS = {"cpu": (3.0, 30.0, 300.0), "cuda": (12.0, 30.0, 300.0)}
"""{device: seconds until a training is ended}: the next one is tried where the training has not begun by then."""
_STARTS_WITHIN, _ENDS_WITHIN = 600.0, 60.0
INTERRUPTED = 130

Holder = tuple[int, float]
"""Id of a process, and when it began."""


def time_limit(bench: Bench) -> Found:
    """Let the time limit end a training that uses the device."""
    good, settings = bench.plan.good, bench.plan.endless.set
    before, held = children(psutil.Process()), holders()
    for limit in _LIMITS[bench.device]:
        found = bench.execute(good, bench.probe(good, settings, mark=f"limit {limit:.0f} s", timeout=limit))
        began = found.trace.training
        if began or found.judgement.skip_kind != SkipKind.OUT_OF_TIME:
            break
    right = found.judgement.skip_kind == SkipKind.OUT_OF_TIME and began
    left = _left(lambda: children(psutil.Process()) - before)
    card = _left(lambda: holders() - held)
    said = "" if began else ", before the training began"
    seen = [f"{found.verdict.value}: {found.judgement.reason}{said}", *_told(bench, left, card)]
    return (State.PASSED if right and not left and not card else State.FAILED), seen


def interrupt(bench: Bench) -> Found:
    """Press Ctrl-C while `harness probe` trains."""
    held = holders()
    settings = bench.plan.endless.set
    digest = bench.probe(bench.plan.good, settings).digest
    question = replace(bench.question, job=Job(settings=tuple(settings.items())))
    words = question.to_argv("probe", "--release", bench.plan.good, "--arm", bench.plan.arm)
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *words, "--isolation", bench.place.isolation],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # What is started in the background of a shell ignores Ctrl-C, and hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no thread runs here
        # A bundle unpacks the harness into a folder that no other Python knows.
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "HARNESS_HOME": str(bench.state.root),
        },
    )
    try:
        if not _wait(
            lambda: trains(bench.session.store, digest) or process.poll() is not None, _STARTS_WITHIN
        ):
            return State.FAILED, [f"no training began within {_STARTS_WITHIN:.0f} s"]
        family = children(psutil.Process(process.pid)) if process.poll() is None else set()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=_ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        return State.FAILED, [f"it did not end within {_ENDS_WITHIN:.0f} s"]
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    left = _left(lambda: {one for one in family if _runs(one)})
    card = _left(lambda: holders() - held)
    right = process.returncode == INTERRUPTED and family
    said = "" if right else f": {' '.join(output.split())[-300:]}"
    seen = [
        f"exit status {process.returncode}, {counted(len(family), 'process was', 'processes were')} ended{said}"
    ]
    seen += _told(bench, left, card)
    return (State.PASSED if right and not left and not card else State.FAILED), seen


def children(process: psutil.Process) -> set[Holder]:
    """Return all that a process started and that still runs."""
    found = set()
    for one in process.children(recursive=True):
        with suppress(psutil.Error):
            if one.status() != psutil.STATUS_ZOMBIE:
                found.add((one.pid, one.create_time()))
    return found


def holders() -> set[Holder]:
    """Return the processes that hold a GPU: those that have its driver open, and those that the driver lists."""
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            links = Path(f"/proc/{process.pid}/fd").iterdir()
            if any(str(link.readlink()).startswith(_DRIVERS) for link in links):
                found.add((process.pid, process.create_time()))
    return found | {(pid, 0.0) for pid in _listed()}


def _listed() -> set[int]:
    """Return the ids that nvidia-smi lists; in a container they may be those of the machine outside."""
    ask = ["nvidia-smi", "--query-compute-apps=pid", "--format=csv,noheader"]
    try:
        done = subprocess.run(ask, check=True, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return set()
    return {int(pid) for pid in re.findall(r"^\s*(\d+)\s*$", done.stdout, re.MULTILINE)}


def trains(store: Store, digest: str) -> bool:
    """Tell whether a probe that is being recorded has come to its training; others may record in the same store."""
    for folder in store.being_recorded(digest):
        with suppress(OSError):
            if '"training"' in (folder / "trace.jsonl").read_text(encoding="utf-8"):
                return True
    return False


def _runs(one: Holder) -> bool:
    pid, began = one
    try:
        process = psutil.Process(pid)
        return process.create_time() == began and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _left(remaining: Callable[[], set[Holder]]) -> set[Holder]:
    """Return what remains, after a while in which it may end."""
    _wait(lambda: not remaining(), 10.0)
    return remaining()


def _wait(done: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not (ended := done()) and time.monotonic() < end:
        time.sleep(0.1)
    return ended


def _told(bench: Bench, left: set[Holder], card: set[Holder]) -> list[str]:
    said = [counted(len(left), "process remains", "processes remain") if left else "no process remains"]
    if bench.device == "cuda":
        said.append(
            counted(len(card), "process holds the card", "processes hold the card")
            if card
            else "no process holds the card"
        )
    return said
