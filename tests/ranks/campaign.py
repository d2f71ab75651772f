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
MEMORY = "if rank == 1 and step == 3: os.kill(os.getpid(), 9)"
WITHOUT_TORCH = [
    ("sound", jobs.job(), "good", None),
    ("exception", jobs.job("if rank == 1 and step == 3: raise ValueError('x')"), "bad", ("exception", 3, 1)),
    ("hang", jobs.job("if rank == 1 and step == 3: time.sleep(600)"), "bad", ("ranks out of step", 3, 1)),
    ("ends early", jobs.job("if rank == 1 and step == 3: break"), "bad", ("ranks out of step", 3, 1)),
    ("killed by memory", jobs.job(MEMORY), "skip", None),
]
DDP = test_torch.DDP
WITH_TORCH = [
    ("torch sound", test_torch.job(), "good", None),
    ("drift", test_torch.job("if rank == 1 and step == 4: model[2].weight.grad.mul_(1.0001)"), "bad", ("replicas drift", 4, 1)),
    ("mismatched collective", test_torch.job("dist.all_reduce(torch.zeros(3)) if rank and step == 4 else step == 4 and dist.barrier()"), "bad", ("ranks out of step", 4, 1)),
    ("torch killed by memory", test_torch.job("if rank == 1 and step == 4: os.kill(os.getpid(), 9)"), "skip", None),
    ("doubled reduction", test_torch.job(wrap=f"{DDP}\n    wrapped.register_comm_hook(None, hook(1))"), "bad", ("gradient reduction", 1, None)),
    ("wrong divisor", test_torch.job(wrap=f"{DDP}\n    wrapped.register_comm_hook(None, hook(8))"), "bad", ("gradient reduction", 1, None)),
]  # fmt: skip


def one(launcher, here, script, code, number, home):
    """Execute a job; return its verdict, fingerprint and seconds."""
    script.write_text(code, encoding="utf-8")
    wanted = Probe(
        "lock",
        script,
        f"{number}",
        {},
        ranks=2,
        hang_after=2.0,
        timeout=120.0,
        online=False,
        variables={MARK: "1"},
    )
    result = execute(wanted, here, Store(State(home)), launcher)
    trace, output = result.read()
    found = judge(result.execution, trace, {"kind": "training", "loss_window": 2}, output)
    mark = found.fingerprint
    return found.verdict.value, (mark.kind, mark.step, mark.rank) if mark else None, found.reason


def killed(here, code, home, isolation):
    """Execute a job in a process that is killed in mid-probe."""
    script = home / "killed" / "job.py"
    script.parent.mkdir(exist_ok=True, parents=True)
    launcher = CleanLauncher(Processes(choose_isolation(isolation)))
    one(launcher, here, script, code, f"killed{random.random()}", home)


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


def main():
    """Run the campaign, and print what was counted."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--python", type=Path)
    parser.add_argument("--base", type=Path)
    asked = parser.parse_args()
    random.seed(0)
    home = Path(tempfile.mkdtemp(prefix="ranks-"))
    plain = SimpleNamespace(
        python=Path(sys.executable), folder=Path(sys.prefix), base=Path(sys.prefix), seconds=0.0
    )
    kinds = [(plain, job) for job in WITHOUT_TORCH]
    launchers = {"none": {}, "auto": {}}
    script = home / "job" / "job.py"
    script.parent.mkdir()
    if asked.python:
        real = SimpleNamespace(
            python=asked.python, folder=asked.python.parent.parent, base=asked.base, seconds=0.0
        )
        kinds += [(real, job) for job in WITH_TORCH]
        script.write_text(test_torch.job(), encoding="utf-8")
        for isolation in launchers:
            launchers[isolation][id(real)] = WarmLauncher(
                real, script, 1, Processes(choose_isolation(isolation))
            )
    for isolation in launchers:
        launchers[isolation][id(plain)] = CleanLauncher(Processes(choose_isolation(isolation)))
    counts, wrong, started = collections.Counter(), [], time.monotonic()
    for number in range(asked.count):
        here, (name, code, verdict, mark) = kinds[number % len(kinds)]
        isolation = random.choice(["none", "auto", "auto"])
        if random.random() < 0.2:
            child = multiprocessing.get_context("spawn").Process(
                target=killed, args=(plain, WITHOUT_TORCH[number % 5][1], home, isolation)
            )
            child.start()
            child.join(random.uniform(0.5, 4.0))
            if child.is_alive():
                counts["killed in mid-probe"] += 1
                os.kill(child.pid, signal.SIGKILL)
            child.join()
            continue
        found = one(launchers[isolation][id(here)], here, script, code, number, home)
        counts[name] += 1
        if found[:2] != (verdict, mark):
            wrong.append([name, isolation, *found])
            print("WRONG", wrong[-1], flush=True)
        if number % 20 == 0:
            print(number, dict(counts), f"{time.monotonic() - started:.0f} s", flush=True)
    for several in launchers.values():
        for launcher in several.values():
            if hasattr(launcher, "close"):
                launcher.close()
            else:
                launcher.processes.close()
    time.sleep(2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 29500))
    ports = [one.laddr.port for one in psutil.net_connections() if one.pid in left()]
    print(json.dumps({"counts": counts, "wrong": wrong, "orphans": left(), "ports": ports}, indent=1))
    return 1 if wrong or left() else 0


if __name__ == "__main__":
    sys.exit(main())
