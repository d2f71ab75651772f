"""What recording costs each of two ranks in a step of the job of `llama_ddp`: the recorder's own processor time, by the rest's.

`nox -s bench-ranks` runs it. Both are of the same steps of the same process, so what else the machine does weighs on both.
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

SCENARIO, RELEASE, MOST = "llama_ddp", "0.21.2", 0.15
JOB = Path(__file__).resolve().parents[2] / "scenarios" / SCENARIO / "job.py"
TIMED = """
import json, runpy, sys, time
import harness_recorder
from harness_recorder.replicas import Replicas

out, job = sys.argv[1:3]
spent = 0.0


def timed(function):
    def wrapped(*arguments, **options):
        global spent
        since = time.thread_time()
        try:
            return function(*arguments, **options)
        finally:
            spent += time.thread_time() - since

    return wrapped


_WHOLE = harness_recorder.Recorder


class Timed(_WHOLE):
    forward, backward, step = map(timed, (_WHOLE.forward, _WHOLE.backward, _WHOLE.step))

    def begin(self, *arguments, **options):
        super().begin(*arguments, **options)
        self._since = time.process_time()

    def __exit__(self, *error):
        with open(out, "w") as file:
            json.dump([spent, time.process_time() - self._since], file)
        return super().__exit__(*error)


Replicas._take, Replicas._end_of_backward = timed(Replicas._take), timed(Replicas._end_of_backward)
harness_recorder.Recorder = Timed
sys.argv = [job, *sys.argv[3:]]
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


def measure(python, folder, steps):
    """Execute the job as two ranks; return for each the recorder's processor seconds and those of all, of all steps."""
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
    settings = [JOB, "--steps", str(steps), "--dtype", "bfloat16"]
    ranks = [
        subprocess.Popen(
            [python, "-c", TIMED, folder / f"{rank}", *settings], env={**shared, "RANK": str(rank)}
        )
        for rank in range(2)
    ]
    ended = [rank.wait() for rank in ranks]
    if any(ended):
        sys.exit("a rank failed")
    return [json.loads((folder / f"{rank}").read_text(encoding="utf-8")) for rank in range(2)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="state directory that may have the environment already")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--turns", type=int, default=3)
    asked = parser.parse_args()
    print("| turn | rank | ms of a step without recording | ms of recording | share |\n|---|---|---|---|---|")
    shares = []
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as name:
        python = interpreter(asked.home or Path(name) / "home")
        for turn in range(asked.turns):
            for rank, (own, everything) in enumerate(measure(python, Path(name) / f"{turn}", asked.steps)):
                rest = everything - own
                shares.append(own / rest)
                ms = f"{1e3 * rest / asked.steps:.2f} | {1e3 * own / asked.steps:.2f}"
                print(f"| {turn} | {rank} | {ms} | {100 * shares[-1]:.1f} % |", flush=True)
    print(f"\nrecording costs {100 * max(shares):.1f} % of a step at most (allowed {100 * MOST:.0f} %)")
    sys.exit(0 if max(shares) <= MOST else 1)


if __name__ == "__main__":
    main()
