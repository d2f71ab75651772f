"""Executes jobs of two ranks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.probes.execute import execute
from harness.probes.isolation import choose_isolation
from harness.probes.launch import CleanLauncher
from harness.probes.probe import Probe
from harness.probes.process import Processes
from harness.probes.store import Store
from harness.state import State
from harness.verdicts.judge import judge

TRAINING = {"kind": "training", "loss_below": 0.5, "loss_window": 2}


class Here:
    """The tests' own Python, standing where an environment stands."""

    python = Path(sys.executable)
    folder = base = Path(sys.prefix)
    seconds = 0.0


@pytest.fixture
def probe(tmp_path):
    """Execute a piece of code as a job of two ranks; return its result and judgement."""

    def run(code, *, oracle=TRAINING, isolation="auto", ranks=2, **facts):
        folder = tmp_path / "job"
        folder.mkdir(exist_ok=True)
        script = folder / "job.py"
        script.write_text(code, encoding="utf-8")
        wanted = Probe("lock", script, code, {}, ranks=ranks, **{"hang_after": 1.5, "timeout": 60.0, **facts})
        launcher = CleanLauncher(Processes(choose_isolation(isolation)))
        result = execute(wanted, Here(), Store(State(tmp_path / "home")), launcher)
        trace, output = result.read()
        return result, judge(result.execution, trace, oracle, output)

    return run
