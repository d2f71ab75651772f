"""What isolation costs a probe: the same empty job with namespaces and without, in turns, in one run.

    python tests/bench/bench_isolation.py [--probes N] [--megabytes M]

Printed are seconds of processor time, which do not depend on what else the machine does, and the median and the least
seconds by the clock: the least is what a probe takes while nothing else gets in its way.
A warm parent holds M megabytes, as one that has loaded torch does.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

from harness.probes.isolation import Isolation, choose_isolation
from harness.probes.launch import CleanLauncher, WarmLauncher
from harness.probes.probe import Probe
from harness.probes.process import Processes


class Here:
    """This Python, standing where an environment stands."""

    python = Path(sys.executable)
    folder = base = Path(sys.prefix)


def processor_time():
    """Return the seconds that all parents of probes have used, with those that they waited for."""
    alive = sum(sum(one.cpu_times()[:4]) for one in psutil.Process().children(recursive=True))
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return alive + ended.ru_utime + ended.ru_stime


def measure(launcher, job, folder, count):
    """Return processor seconds, median clock seconds and least clock seconds of a probe."""
    times = []
    before = processor_time()
    for number in range(count):
        recorded = folder / "state" / "probes" / str(number) / str(len(list(folder.glob("state/probes/*"))))
        recorded.mkdir(parents=True)
        started = time.perf_counter()
        execution, output = launcher.launch(Probe("lock", job, "", {}), Here(), recorded)
        times.append(time.perf_counter() - started)
        assert execution.code == 0, output.decode()
    return (processor_time() - before) / count, statistics.median(times), min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--probes", type=int, default=20)
    parser.add_argument("--megabytes", type=int, default=300)
    asked = parser.parse_args()
    isolation = choose_isolation("auto")
    if not isolation.holds:
        sys.exit(f"this machine forbids namespaces: {isolation.why}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "job").mkdir()
        ballast = folder / "job" / "ballast.py"
        ballast.write_text(
            f"held = [bytes(1000) for _ in range({asked.megabytes} * 1000)]\n", encoding="utf-8"
        )
        job = folder / "job" / "job.py"
        job.write_text("import ballast\n", encoding="utf-8")
        empty = folder / "job" / "empty.py"
        empty.write_text("", encoding="utf-8")
        sides = {"with namespaces": isolation, "without": Isolation("none")}
        for start in ("clean", "warm"):
            launchers = {}
            for side, one in sides.items():
                processes = Processes(one)
                warm = {"PYTHONPATH": f"{ballast.parent}"}
                launchers[side] = (
                    CleanLauncher(processes)
                    if start == "clean"
                    else WarmLauncher(Here(), job, 1, processes, variables=warm)
                )
                measure(launchers[side], empty, folder / side / start / "first", 1)
            found = {side: [] for side in sides}
            for turn in range(4):
                for side, launcher in launchers.items():
                    found[side].append(
                        measure(launcher, empty, folder / side / start / str(turn), asked.probes // 4)
                    )
            medians = {
                side: [
                    how(one[which] for one in turns)
                    for which, how in enumerate((statistics.mean, statistics.median, min))
                ]
                for side, turns in found.items()
            }
            (cpu, wall, least), (cpu_without, wall_without, least_without) = medians.values()
            print(
                f"{start}: processor {1e3 * cpu:.1f} ms with, {1e3 * cpu_without:.1f} ms without "
                f"({1e3 * (cpu - cpu_without):+.1f} ms, ratio {cpu / cpu_without:.2f}); clock {1e3 * wall:.0f} ms with, "
                f"{1e3 * wall_without:.0f} ms without; least {1e3 * least:.0f} ms with, {1e3 * least_without:.0f} ms without"
            )
            for launcher in launchers.values():
                getattr(launcher, "close", launcher.processes.close)()


if __name__ == "__main__":
    main()
