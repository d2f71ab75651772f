"""What the main job costs here, beside what a user would do instead, as ratios in one run: `nox -s bench`.

Every way executes the same job (arms fp16 and bf16) on the same releases. Wheels are in the caches of pip and uv
before anything is measured. The limit is the bare training time: what the jobs themselves spend in their training
loops, divided by the cores.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench_prefix import budget, print_budget

from harness.releases.index import list_releases
from harness.releases.release import select
from harness.releases.settings import read_settings
from harness.scenario import load_scenario
from harness.state import State
from harness.traces.read import read_trace
from harness.uv import Uv

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = load_scenario("llama_seq_cls")
ARMS = [("fp16", ["--dtype", "float16", "--loss_scale", "4096.0"]), ("bf16", ["--dtype", "bfloat16"])]
RECORDER = ROOT / "harness" / "recorder"


@dataclass
class Bench:
    """Measures ways of executing the same jobs and remembers each time."""

    folder: Path
    steps: int
    repeats: int
    times: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self):
        self.settings = read_settings()
        self.uv = Uv(self.settings.uv_environment)
        listing = list_releases("peft", self.settings, State(self.folder / "listing"))
        self.releases = [
            release.version for release in select(listing.releases, package="peft", first=SCENARIO.first)
        ]

    def measure(self, name, work, *, repeats=None):
        """Run `work` several times and keep the seconds of each."""
        for _ in range(repeats or self.repeats):
            started = time.monotonic()
            work()
            self.times.setdefault(name, []).append(time.monotonic() - started)
            print(f"  {name}: {self.times[name][-1]:.1f} s", file=sys.stderr, flush=True)

    def seconds(self, name):
        """Return the median."""
        return statistics.median(self.times[name])

    # -- this harness -----------------------------------------------------------------------------------------

    def harness(self, releases, *, state, jobs=2):
        """Run the main job on some releases; the newest one is last."""
        words = [
            "bisect",
            SCENARIO.name,
            "--from",
            releases[0],
            "--to",
            releases[-1],
            "--search",
            "sweep",
            "--no-cause",
            "--no-fixes",
        ]
        words += ["--jobs", str(jobs), "--set", f"steps={self.steps}", "--out", str(self.folder / "reports")]
        environment = {**os.environ, "HARNESS_HOME": str(state)}
        done = subprocess.run(
            [sys.executable, "-m", "harness", *words],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(done.stderr)
        return json.loads((self.folder / "reports" / "latest" / "report.json").read_text(encoding="utf-8"))

    def forget_results(self, state):
        """Leave locks and environments, forget what was executed."""
        shutil.rmtree(state / "probes", ignore_errors=True)

    # -- what a user would do instead -------------------------------------------------------------------------

    def job(self, python, arm):
        """Execute one job with a given interpreter, or the words that start one."""
        words = [str(SCENARIO.job), *arm, "--device", "cpu", "--steps", str(self.steps)]
        environment = {
            **os.environ,
            "PYTHONPATH": str(RECORDER),
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
        }
        environment |= self.uv.variables
        subprocess.run([*python, *words], env=environment, check=False, capture_output=True, cwd=self.folder)

    def pip_loop(self, releases):
        """Make a fresh virtualenv by pip for each release."""
        for release in releases:
            venv = self.folder / "venv"
            subprocess.run([sys.executable, "-m", "venv", venv], check=True)
            words = [
                venv / "bin" / "python",
                "-m",
                "pip",
                "install",
                "--quiet",
                *SCENARIO.pins,
                f"peft=={release}",
            ]
            subprocess.run(words, check=True, capture_output=True)
            for _, arm in ARMS:
                self.job([str(venv / "bin" / "python")], arm)
            shutil.rmtree(venv)

    def uv_loop(self, releases):
        """Let `uv run --with` make an environment for each release."""
        for release in releases:
            pins = [word for pin in [*SCENARIO.pins, f"peft=={release}"] for word in ("--with", pin)]
            for _, arm in ARMS:
                self.job([self.uv.program, "run", "--quiet", "--no-project", *pins, "python"], arm)

    def pypi_version_bisect(self):
        """Let pypi-version-bisect look for the break in one arm, each check by `uv run --with`."""
        check = self.folder / "check.sh"
        pins = " ".join(f"--with {pin}" for pin in SCENARIO.pins)
        check.write_text(
            f"{self.uv.program} run --quiet --no-project {pins} --with peft==$1 python {SCENARIO.job} "
            f"{' '.join(ARMS[0][1])} --device cpu --steps {self.steps} --trace {self.folder}/trace.jsonl\n"
            f'! grep -q \'"what": *"weight"\' {self.folder}/trace.jsonl\n',
            encoding="utf-8",
        )
        environment = {**os.environ, "PYTHONPATH": str(RECORDER), "OMP_NUM_THREADS": "1", **self.uv.variables}
        words = [
            "pypi-version-bisect",
            "range",
            "peft",
            "--check-cmd",
            f"bash {check} {{version}}",
            "--delay",
            "0",
        ]
        subprocess.run(words, env=environment, check=False, capture_output=True)


def spread(releases, count):
    """Return the newest `count` releases, which are neighbours, as the harness takes a range."""
    return releases[-count:]


def overheads(state):
    """Return the seconds of each first, warm execution beyond its training loop."""
    found = []
    for path in (state / "probes").glob("*/0/probe.json"):
        execution = json.loads(path.read_text(encoding="utf-8"))["execution"]
        end = read_trace(path.with_name("trace.jsonl")).end
        if end is not None and execution["start"] == "warm":
            found.append(execution["seconds"] - end["seconds"]["training"])
    return found


def training(report):
    """Return the seconds that all first executions spent in their training loops."""
    return sum(row["seconds"]["training"] or 0 for arm in report["arms"] for row in arm["releases"])


def run(bench, *, scaling, others):
    """Measure everything and return the facts."""
    warm, cold = bench.folder / "warm", bench.folder / "cold"
    bench.harness(bench.releases, state=warm)  # makes environments and fills the caches
    facts = {"scaling": []}

    def whole():
        bench.forget_results(warm)
        facts["report"] = bench.harness(bench.releases, state=warm)
        facts["overhead"] = statistics.median(overheads(warm))
        facts["budget"] = budget(warm)[0]

    bench.measure("warm", whole)
    bench.measure("repeated", lambda: bench.harness(bench.releases, state=warm))

    def from_nothing():
        shutil.rmtree(cold, ignore_errors=True)
        bench.harness(bench.releases, state=cold)

    bench.measure("cold", from_nothing)
    for count in scaling:
        for jobs in (1, 2):

            def part(count=count, jobs=jobs):
                bench.forget_results(warm)
                bench.harness(spread(bench.releases, count), state=warm, jobs=jobs)

            name = f"{count} releases, {jobs} jobs"
            bench.measure(name, part, repeats=1)
            facts["scaling"].append((count, jobs, bench.seconds(name)))
    few = spread(bench.releases, 2)
    if others:
        bench.measure("pip", lambda: bench.pip_loop(few))
        bench.uv_loop(few)
        bench.measure("uv run", lambda: bench.uv_loop(few))
        if shutil.which("pypi-version-bisect"):
            bench.measure("pypi-version-bisect", bench.pypi_version_bisect, repeats=1)
    return facts, len(few)


def table(bench, facts, few):
    """Print the table that stands in the README."""
    count, report = len(bench.releases), facts["report"]
    bare, cores = training(report), os.cpu_count() or 1
    limit, warm = bare / cores, bench.seconds("warm")
    rows = [
        ("bare training time over cores (the limit)", limit),
        ("this harness, warm", warm),
        ("this harness, everything stored", bench.seconds("repeated")),
        ("this harness, cold (wheels in the cache)", bench.seconds("cold")),
    ]
    for name, label in (("uv run", "a loop of `uv run --with`"), ("pip", "a loop of fresh virtualenv + pip")):
        if name in bench.times:
            rows.append((f"{label} (from {few} releases)", bench.seconds(name) * count / few))
    print(
        f"\n{count} releases, arms fp16 and bf16, {bench.steps} steps each, {cores} cores, {platform.machine()}"
    )
    print("\n| way | seconds | to the warm harness |\n|---|---|---|")
    for label, seconds in rows:
        print(f"| {label} | {seconds:.1f} | {seconds / warm:.2f} |")
    if "pypi-version-bisect" in bench.times:
        print(
            f"\npypi-version-bisect, one arm, one boundary, no trace: {bench.seconds('pypi-version-bisect'):.0f} s"
        )
    print(f"\nbound of 1.5 x limit + 20 s: {1.5 * limit + 20:.1f} s; measured {warm:.1f} s")
    print(f"overhead of an execution beyond its training, median: {facts['overhead']:.2f} s")
    print_budget({"warm": (warm, facts["budget"])})
    print("\n| releases | 1 job | 2 jobs |\n|---|---|---|")
    by_count = {}
    for releases, jobs, seconds in facts["scaling"]:
        by_count.setdefault(releases, {})[jobs] = seconds
    for releases, seconds in by_count.items():
        print(f"| {releases} | {seconds[1]:.1f} s | {seconds[2]:.1f} s |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=150, help="optimizer steps of every job")
    parser.add_argument("--repeats", type=int, default=3, help="measurements of each way; the median counts")
    parser.add_argument("--scaling", type=int, nargs="*", default=[4, 8, 16, 34], help="numbers of releases")
    parser.add_argument("--alone", action="store_true", help="leave out what a user would do instead")
    parser.add_argument("--json", type=Path, help="keep all times in this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as folder:
        bench = Bench(Path(folder), options.steps, options.repeats)
        facts, few = run(bench, scaling=options.scaling, others=not options.alone)
        table(bench, facts, few)
        if options.json:
            facts.pop("report")
            content = {
                "steps": options.steps,
                "cores": os.cpu_count(),
                "cpu": platform.processor(),
                "times": bench.times,
                **facts,
            }
            options.json.write_text(json.dumps(content, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
