"""Executes many small jobs of two ranks, some killed in mid-probe, and counts wrong verdicts, orphans and occupied ports.

    python tests/ranks/campaign.py --count 200 --python PATH_OF_A_PYTHON_THAT_HAS_TORCH --base FOLDER_OF_ITS_BASE

Without `--python` only the jobs that need no torch are executed.
"""

from __future__ import annotations

import argparse
import collections
import json
import multiprocessing
import os
import random
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ranks import jobs, test_torch

from harness.probes.execute import execute
from harness.probes.isolation import choose_isolation
from harness.probes.launch import CleanLauncher, WarmLauncher
from harness.probes.probe import Probe
from harness.probes.process import Processes
from harness.probes.store import Store
from harness.state import State
from harness.verdicts.judge import judge

MARK = "RANKS_CAMPAIGN"
KILLED = 0.2
"""Share of jobs whose harness is killed in mid-probe."""
ISOLATIONS = ("none", "auto")
MEMORY = "if rank == 1 and step == 3: os.kill(os.getpid(), 9)"
WITHOUT_TORCH = [
    ("sound", jobs.job(), "good", None),
    ("exception", jobs.job("if rank == 1 and step == 3: raise ValueError('x')"), "bad", ("exception", 3, 1)),
    ("hang", jobs.job("if rank == 1 and step == 3: time.sleep(600)"), "bad", ("ranks out of step", 3, None)),
    ("ends early", jobs.job("if rank == 1 and step == 3: break"), "bad", ("ranks out of step", 3, 1)),
    ("killed by memory", jobs.job(MEMORY), "skip", None),
]
DDP = test_torch.DDP
WITH_TORCH = [
    ("torch sound", test_torch.job(), "good", None),
    ("drift", test_torch.job("if rank == 1 and step == 4: model[2].weight.grad.mul_(1.0001)"), "bad", ("replicas drift", 4, 1)),
    ("mismatched collective", test_torch.job("dist.all_reduce(torch.zeros(3)) if rank and step == 4 else step == 4 and dist.barrier()"), "bad", ("ranks out of step", 4, None)),
    ("torch killed by memory", test_torch.job("if rank == 1 and step == 4: os.kill(os.getpid(), 9)"), "skip", None),
    ("doubled reduction", test_torch.job(wrap=f"{DDP}\n    wrapped.register_comm_hook(None, hook(1))"), "bad", ("gradient reduction", 1, None)),
    ("wrong divisor", test_torch.job(wrap=f"{DDP}\n    wrapped.register_comm_hook(None, hook(8))"), "bad", ("gradient reduction", 1, None)),
]  # fmt: skip


def one(launcher, here, code, number, home):
    """Execute a job; return its verdict, fingerprint and reason."""
    script = home / "job" / f"{number}.py"
    script.parent.mkdir(exist_ok=True, parents=True)
    script.write_text(code, encoding="utf-8")
    facts = {"ranks": 2, "hang_after": 2.0, "timeout": 240.0, "variables": {MARK: "1"}}
    result = execute(Probe("lock", script, f"{number}", {}, **facts), here, Store(State(home)), launcher)
    trace, output = result.read()
    found = judge(result.execution, trace, {"kind": "training", "loss_window": 2}, output)
    mark = found.fingerprint
    return found.verdict.value, (mark.kind, mark.step, mark.rank) if mark else None, found.reason


def killed(here, code, home, isolation):
    """Execute a job, in a process that is going to be killed in mid-probe."""
    launcher = CleanLauncher(Processes(choose_isolation(isolation)))
    one(launcher, here, code, f"killed{random.random()}", home)


def kill_one(here, code, home, isolation):
    """Begin a job, and kill the harness that executes it; return whether it ran still."""
    child = multiprocessing.get_context("spawn").Process(target=killed, args=(here, code, home, isolation))
    child.start()
    child.join(random.uniform(0.5, 4.0))
    alive = child.is_alive()
    if alive:
        os.kill(child.pid, signal.SIGKILL)
    child.join()
    return alive


def left():
    """Return processes that a job left."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def kinds_and_launchers(asked, home):
    """Return [(environment, job)], and {(isolation, whether it needs torch): launcher}."""
    plain = SimpleNamespace(
        python=Path(sys.executable), folder=Path(sys.prefix), base=Path(sys.prefix), seconds=0.0
    )
    kinds = [(plain, False, job) for job in WITHOUT_TORCH]
    processes = {isolation: Processes(choose_isolation(isolation)) for isolation in ISOLATIONS}
    launchers = {(isolation, False): CleanLauncher(one) for isolation, one in processes.items()}
    if asked.python:
        folder = asked.python.parent.parent
        real = SimpleNamespace(python=asked.python, folder=folder, base=asked.base, seconds=0.0)
        kinds += [(real, True, job) for job in WITH_TORCH]
        script = home / "imports.py"
        script.write_text(test_torch.job(), encoding="utf-8")
        launchers |= {(name, True): WarmLauncher(real, script, 1, one) for name, one in processes.items()}
    return kinds, launchers


def main():
    """Run the campaign, and print what was counted."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--python", type=Path)
    parser.add_argument("--base", type=Path)
    asked = parser.parse_args()
    random.seed(0)
    home = Path(tempfile.mkdtemp(prefix="ranks-"))
    kinds, launchers = kinds_and_launchers(asked, home)
    counts, wrong, started = collections.Counter(), [], time.monotonic()
    for number in range(asked.count):
        here, torch, (name, code, verdict, mark) = kinds[number % len(kinds)]
        isolation = random.choice(ISOLATIONS)
        if random.random() < KILLED:
            here, _, job = kinds[number % len(WITHOUT_TORCH)]
            counts["killed in mid-probe"] += kill_one(here, job[1], home, isolation)
            continue
        found = one(launchers[isolation, torch], here, code, number, home)
        counts[name] += 1
        if found[:2] != (verdict, mark):
            wrong.append([name, isolation, *found])
            print("WRONG", wrong[-1], flush=True)
        if counts.total() % 20 == 0:
            print(number, dict(counts), f"{time.monotonic() - started:.0f} s", flush=True)
    for launcher in launchers.values():
        launcher.processes.close()
        if isinstance(launcher, WarmLauncher):
            launcher.close()
    time.sleep(2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 29500))
    print(json.dumps({"counts": counts, "wrong": wrong, "orphans": left()}, indent=1))
    return 1 if wrong or left() else 0


if __name__ == "__main__":
    sys.exit(main())
