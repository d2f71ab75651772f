"""What recording costs each of two ranks: the job of `llama_ddp` with its recorder and without, in turns, in one run.

`nox -s bench-ranks` runs it. Counted are the steps alone, and of several turns the cheapest one. Seconds of processor time
are compared, since those of the clock depend on what else the machine does; a rank that waits for the other one uses none.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.recording import RECORDER

SCENARIO, RELEASE, MOST = "llama_ddp", "0.21.2", 1.15
JOB = Path(__file__).resolve().parents[2] / "scenarios" / SCENARIO / "job.py"
TIMED = """
import json, runpy, sys, time
import harness_recorder

whole = harness_recorder.Recorder
recorded, out, job = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]


class Timed(whole):
    def begin(self, *arguments, **options):
        if recorded:
            super().begin(*arguments, **options)
        self._since = time.process_time(), time.perf_counter()

    def __exit__(self, *error):
        answer = super().__exit__(*error)
        spent = time.process_time() - self._since[0], time.perf_counter() - self._since[1]
        with open(out, "w") as file:
            json.dump(spent, file)
        return answer


if not recorded:
    Timed.forward = Timed.backward = Timed.step = lambda *_, **__: None
harness_recorder.Recorder = Timed
sys.argv = [job, *sys.argv[4:]]
runpy.run_path(job, run_name="__main__")
"""


def interpreter(state):
    """Return a Python that has the job's packages, made by the harness itself."""
    words = ["probe", SCENARIO, "--release", RELEASE, "--arm", "bf16"]
    subprocess.run(
        [sys.executable, "-m", "harness", *words], env={**os.environ, "HARNESS_HOME": str(state)}, check=True
    )
    layers = [path.parent for path in state.glob("environments/*/environment.json")]
    wanted = f"lib/python*/site-packages/peft-{RELEASE}.dist-info"
    return next(layer / "bin" / "python" for layer in layers if list(layer.glob(wanted)))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def spent(python, folder, steps, recorded):
    """Execute the job as two ranks; return {rank: (processor seconds, clock seconds) of all its steps}."""
    folder.mkdir()
    shared = {
        **os.environ,
        "PYTHONPATH": str(RECORDER),
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "GLOO_SOCKET_IFNAME": "lo",
        "HARNESS_TRACE": str(folder / "trace.jsonl"),
    }
    words = [python, "-c", TIMED, json.dumps(recorded)]
    settings = [JOB, "--steps", str(steps), "--dtype", "bfloat16"]
    ranks = [
        subprocess.Popen([*words, folder / f"{rank}", *settings], env={**shared, "RANK": str(rank)})
        for rank in range(2)
    ]
    ended = [rank.wait() for rank in ranks]
    if any(ended):
        sys.exit("a rank failed")
    return {rank: json.loads((folder / f"{rank}").read_text(encoding="utf-8")) for rank in range(2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="state directory that may have the environment already")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--turns", type=int, default=4)
    asked = parser.parse_args()
    costs = {True: [], False: []}
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as name:
        python = interpreter(asked.home or Path(name) / "home")
        for turn in range(asked.turns):
            for recorded, found in costs.items():
                found.append(spent(python, Path(name) / f"{turn}-{recorded}", asked.steps, recorded))
    print(
        "\n| rank | steps | ms without | ms recorded | ratio | ms by the clock, without | recorded |\n|---|---|---|---|---|---|---|"
    )
    ratios = []
    for rank in range(2):
        (bare, bare_clock), (whole, whole_clock) = (
            [1e3 * min(turn[rank][kind] for turn in costs[side]) / asked.steps for kind in range(2)]
            for side in (False, True)
        )
        ratios.append(whole / bare)
        clock = f"{bare_clock:.1f} | {whole_clock:.1f}"
        print(
            f"| {rank} | {asked.turns} x {asked.steps} | {bare:.2f} | {whole:.2f} | {ratios[-1]:.3f} | {clock} |"
        )
    print(
        f"\nrecording costs {100 * (max(ratios) - 1):.1f} % of a step's processor time (at most {100 * (MOST - 1):.0f} %)"
    )
    sys.exit(0 if max(ratios) <= MOST else 1)


if __name__ == "__main__":
    main()
